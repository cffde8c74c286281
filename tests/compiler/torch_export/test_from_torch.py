"""A torch.nn.Module becomes MindSpore source that trains; it is proved against torch."""

import json
from pathlib import Path

import numpy as np
import pytest

from onnx2ms import Conversion, ModelError, NotProvenError, Onnx2msError, UsageError, from_torch

torch = pytest.importorskip("torch", reason="networks are written in PyTorch")
nn, functional = torch.nn, torch.nn.functional


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels, momentum=0.2)

    def forward(self, x):
        return functional.relu(self.bn(self.conv(x)) + x)


class Net(nn.Module):
    """Blocks whose fresh parameters are equal, dropouts as module and as function."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2)
        self.blocks = nn.Sequential(Block(8), Block(8))
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.drop(self.blocks(self.stem(x)).mean((2, 3)))
        return functional.dropout(self.head(x), 0.2, self.training)


class Words(nn.Module):
    """Structures in and out; two names of one parameter."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.norm = nn.LayerNorm(8, elementwise_affine=True)
        self.head = nn.Linear(8, 20, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids, state, *, scale=1.0):
        x = self.norm(self.embed(ids) * scale + state["past"][0])
        return {"logits": self.head(x), "state": (state["past"][1], x), "count": 3, "none": None}


class Leaving(nn.Module):
    """Computes where the tracer does not look."""

    def forward(self, x):
        return x + torch.from_numpy(np.sin(x.numpy()))


class Unexportable(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x):
        return torch.linalg.svdvals(self.fc(x))


def world(module):
    """Return all that a conversion must not change."""
    return (
        [part.training for part in module.modules()],
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.random.get_rng_state().tolist(),
        sorted(module.__dict__),
        {key: value.tolist() for key, value in module.state_dict().items()},
    )


@pytest.mark.parametrize("exporter", ["auto", "dynamo"])
def test_what_trains_is_kept_and_the_network_is_left_alone(exporter, tmp_path):
    pytest.importorskip("onnxscript", reason="the dynamo exporter needs it")
    net = Net()
    net.blocks[1].eval()
    before, parts = world(net), []
    with torch.no_grad():
        inside = world(net)
        conversion = from_torch(
            net, torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(0)), tmp_path / "o",
            exporter=exporter, verify="pynative", progress=parts.append,
        )  # fmt: skip
        assert world(net) == inside
    assert world(net) == before
    assert parts == ["export", "read", "rewrite", "emit", "write", "verify"]
    assert conversion.verified
    assert conversion.verification is not None
    assert conversion.verification.reference == f"torch {torch.__version__.partition('+')[0]}"
    assert conversion.verification.exported[0].passed
    for text in ("class Block(", "class Net(", "nn.Dropout(p=0.3)", "nn.Dropout(p=0.2)"):
        assert text in conversion.source
    assert "nn.BatchNorm2d" in conversion.source
    assert "momentum=0.8" in conversion.source
    entries = json.loads((tmp_path / "o" / "weight_map.json").read_text())["parameters"]
    keys = {key for key in net.state_dict() if "num_batches" not in key}
    assert {entry["state_dict"] for entry in entries} == keys
    assert len(entries) == len(keys)


def test_structures_keep_their_order_at_any_size(tmp_path):
    state = {"past": [torch.zeros(4, 8), torch.ones(1, 3)]}
    example = {"ids": torch.arange(4), "state": state, "scale": 2.0}
    dynamic = {"ids": ("length",), "state_past_0": {0: "length"}}
    conversion = from_torch(Words(), example, tmp_path / "o", dynamic=dynamic, verify="pynative")
    network = conversion.report["network"]
    assert network is not None
    assert network["inputs"] == {
        "ids": "ids",
        "state_past_0": "state['past'][0]",
        "state_past_1": "state['past'][1]",
    }
    assert network["outputs"] == {
        "logits": "['logits']",
        "state_0": "['state'][0]",
        "state_1": "['state'][1]",
    }
    assert [value["name"] for value in conversion.report["inputs"]] == list(network["inputs"])
    assert [value["name"] for value in conversion.report["outputs"]] == list(network["outputs"])
    assert conversion.verification is not None
    (mode,) = conversion.verification.modes
    assert [output.shape[0] for output in mode.outputs] == [4, 1, 4, 12, 1, 12]
    assert network["notes"] == ["left out of the outputs: ['count'], a int"]


def test_what_the_exporter_gets_wrong_is_found():
    with pytest.raises(
        NotProvenError, match="the exported model computes something else"
    ) as caught:
        from_torch(Leaving(), torch.ones(2, 3), verify="pynative")
    assert isinstance(caught.value.conversion, Conversion)
    told = caught.value.conversion.report["network"]
    assert told is not None
    assert told["notes"][0].startswith("test_from_torch.py, line ")


def test_a_failing_export_changes_nothing():
    net = Unexportable().train()
    before = world(net)
    with pytest.raises(ModelError, match="PyTorch cannot export the network") as caught:
        from_torch(net, torch.ones(2, 2), exporter="legacy")
    assert "legacy: " in str(caught.value)
    assert world(net) == before


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((nn.Linear, torch.ones(1, 2)), UsageError, "a torch.nn.Module is needed, not type"),
        ((nn.Linear(2, 3), (torch.ones(1, 2), 4)), UsageError, "do not fit forward"),
        ((nn.Linear(2, 3), {"inputs": torch.ones(1, 2)}), UsageError, "do not fit forward"),
        ((nn.Linear(2, 3), 5), UsageError, "hold no tensor"),
        ((nn.Linear(2, 3), torch.ones(1, 4)), Onnx2msError, "fails on its inputs"),
        ((nn.Linear(2, 3), torch.ones(1, 2), None, {"y": ("n", 2)}), UsageError, "no input 'y'"),
        ((nn.Linear(2, 3), torch.ones(1, 2), None, {"": ("n", 3)}), UsageError, "is 2, not 3"),
        ((nn.Linear(2, 3), torch.ones(1, 2), None, {"": {2: "n"}}), UsageError, "axis 2"),
    ],
)
def test_wrong_use_is_told(arguments, kind, message, tmp_path: Path):
    module, example, *rest = arguments
    with pytest.raises(kind, match=message) as caught:
        from_torch(module, example, tmp_path / "o", dynamic=rest[1] if rest else None)
    assert caught.value.help
    assert not (tmp_path / "o").exists()
