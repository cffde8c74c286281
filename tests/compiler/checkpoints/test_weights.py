"""Later weights come into an older source, and home again, equal to the bit."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onnx2ms import from_torch
from onnx2ms.compiler.cli import main
from onnx2ms.compiler.conversion import import_source

torch = pytest.importorskip("torch", reason="checkpoints are PyTorch's")
nn, functional = torch.nn, torch.nn.functional


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.down = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        return functional.relu(self.bn(self.conv(x)) + self.down(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.layers = nn.Sequential(Block(4, 4, 1), Block(4, 8, 2))
        self.up = nn.ConvTranspose2d(8, 4, 2, 2)
        self.act = nn.PReLU(4)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(self.act(self.up(self.layers(self.stem(x)))).mean((2, 3)))


class Bert(nn.Module):
    """Attention, a product with a weight that is not turned, convolution of sequences, an LSTM."""

    def __init__(self):
        super().__init__()
        self.word, self.place = nn.Embedding(20, 8), nn.Parameter(torch.randn(1, 6, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, 0.1, "gelu", batch_first=True)
        self.square = nn.Parameter(torch.randn(8, 8))
        self.conv = nn.Conv1d(8, 8, 3, padding=1)
        self.rnn = nn.LSTM(8, 4, bidirectional=True, batch_first=True)
        self.head = nn.Linear(8, 20)
        self.head.weight = self.word.weight

    def forward(self, ids):
        x = self.layer(self.word(ids) + self.place) @ self.square
        return self.head(self.rnn(self.conv(x.transpose(1, 2)).transpose(1, 2))[0])


EXAMPLES = {ResNet: torch.rand(2, 3, 8, 8), Bert: torch.randint(0, 20, (2, 6))}


def made(kind, seed):
    """Return a network whose weights are all of this seed's, its statistics too."""
    generator = torch.Generator().manual_seed(seed)
    net = kind().eval()
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    return net


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("written")
    for kind, example in EXAMPLES.items():
        from_torch(made(kind, 1), example, root / kind.__name__, verify="none")
    return root


@pytest.mark.parametrize("kind", EXAMPLES)
def test_there_and_back_is_equal_to_the_bit(kind, folders: Path, tmp_path: Path):
    ms: Any = pytest.importorskip("mindspore", reason="MindSpore builds the network")
    net, source = made(kind, 2), folders / kind.__name__
    first, there, back = (tmp_path / name for name in ("a.pth", "b.ckpt", "c.pt"))
    state = {f"module.{key}": value for key, value in net.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": state}, first)
    words = ["--map", str(source / "weight_map.json"), "-o"]
    assert main(["weights", str(first), *words, str(there)]) == 0

    emitted = import_source((source / "model.py").read_text())
    result = emitted.build_model(there)(ms.Tensor(EXAMPLES[kind].numpy()))
    expected = net(EXAMPLES[kind]).detach().numpy()
    np.testing.assert_allclose(result.asnumpy(), expected, rtol=1e-4, atol=1e-5)

    assert main(["weights", str(there), *words, str(back), "--to-torch"]) == 0
    home = torch.load(back, weights_only=True)
    fresh = made(kind, 3)
    fresh.load_state_dict(home, strict=True)
    for key, value in net.state_dict().items():
        if "num_batches" not in key:
            assert torch.equal(fresh.state_dict()[key], value), key


def test_parts_with_an_index_and_safetensors(folders: Path, tmp_path: Path):
    numpy: Any = pytest.importorskip("safetensors.torch", reason="writes the parts")
    state = {k: v.contiguous() for k, v in made(ResNet, 2).state_dict().items()}
    names = {key: f"part-{i % 2}.safetensors" for i, key in enumerate(state)}
    for name in set(names.values()):
        numpy.save_file({k: v for k, v in state.items() if names[k] == name}, tmp_path / name)
    (tmp_path / "x.index.json").write_text(json.dumps({"weight_map": names}))
    words = ["--map", str(folders / "ResNet" / "weight_map.json"), "-o"]
    there, back = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    assert main(["weights", str(tmp_path), *words, str(there)]) == 0
    assert main(["weights", str(there), *words, str(back), "--to-torch"]) == 0
    home = numpy.load_file(back)
    assert all(torch.equal(home[k], v) for k, v in state.items() if "num_batches" not in k)


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("run",))


def test_what_is_wrong_is_listed_and_nothing_written(folders: Path, tmp_path: Path, capsys: Any):
    place, out = folders / "ResNet" / "weight_map.json", tmp_path / "out.ckpt"

    def run(state: object, map_file: Path = place) -> str:
        torch.save(state, tmp_path / "in.pth")
        words = ["--map", str(map_file), "-o", str(out)]
        assert main(["weights", str(tmp_path / "in.pth"), *words]) == 1
        assert not out.exists()
        return capsys.readouterr().err

    state = made(ResNet, 2).state_dict()
    state["extra"] = state.pop("fc.bias")
    state["fc.weight"] = state["fc.weight"].T
    state["stem.bias"] = state["stem.bias"].double()
    told = run(state)
    assert "missing    'fc.bias'" in told
    assert "surplus    'extra'" in told
    assert "misshapen  'fc.weight' is [4, 5], not [5, 4]" in told
    assert "mistyped   'stem.bias' is float64, not float32" in told
    assert "holds more than tensors" in run({"a": Evil()})
    assert "holds no state_dict" in run({"a": 1})

    content = json.loads(place.read_text())
    content["not in file"]["bn.weight"] = "BatchNorm folded in by the exporter"
    (tmp_path / "weight_map.json").write_text(json.dumps(content))
    told = run(made(ResNet, 2).state_dict(), tmp_path / "weight_map.json")
    assert "folded     'bn.weight': BatchNorm folded in by the exporter" in told
    assert "TrainingMode.PRESERVE" in told

    twins = made(Bert, 2).state_dict()
    twins["head.weight"] = twins["head.weight"] + 1
    assert "untied     'head.weight' differs" in run(twins, folders / "Bert" / "weight_map.json")


@pytest.mark.parametrize("suffix", [".pth", ".ckpt", ".safetensors", ".index.json"])
def test_damaged_files_are_told(suffix: str, folders: Path, tmp_path: Path, capsys: Any):
    file = tmp_path / f"a{suffix}"
    words = ["--map", str(folders / "ResNet" / "weight_map.json"), "-o", str(tmp_path / "b.ckpt")]
    for content in (b"", b"{}", b"\xff" * 40, pickle.dumps(3)):
        file.write_bytes(content)
        assert main(["weights", str(file), *words]) == 1
        assert "internal error" not in capsys.readouterr().err
