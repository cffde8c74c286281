"""A written folder beside the PyTorch module or the ONNX model that it came from."""

import shutil
import warnings

import numpy as np
import onnx
import onnx.parser
import pytest

import onnx2ms
from onnx2ms import UsageError
from onnx2ms.compiler import cli
from onnx2ms.compiler.recheck import verify
from onnx2ms.compiler.verify.arrangement import arrangements

MODULE = """
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.bn = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv(x))), 2)
        return self.fc(F.dropout(self.drop(x.mean((2, 3))), 0.2, self.training))


def make():
    torch.manual_seed(0)
    return Net(), torch.randn(4, 3, 8, 8)
"""

WAVE = """
<ir_version: 8, opset_import: ["": 20]>
wave (float[4,6] x) => (float[4,3] y)
<float[8,6] first_weight, float[3,8] second_weight>
{
  a = Gemm <transB = 1> (x, first_weight)
  b = Sin(a)
  y = Gemm <transB = 1> (b, second_weight)
}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a folder that holds `made.py` and what is written for its module."""
    torch = pytest.importorskip("torch", reason="the reference is PyTorch")
    folder = tmp_path_factory.mktemp("trained")
    (folder / "made.py").write_text(MODULE)
    scope: dict = {}
    exec(MODULE, scope)
    module, example = scope["make"]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that keeps BatchNorm is deprecated
        torch.onnx.export(
            module.eval(),
            (example,),
            folder / "net.onnx",
            dynamo=False,
            opset_version=17,
            training=torch.onnx.TrainingMode.PRESERVE,
        )
    onnx2ms.convert(folder / "net.onnx", folder / "net", verify="none")
    return folder


def test_it_learns_as_its_module_does(trained, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    words = ["verify", "net", "--against", "made:make", "--gradients", "--steps", "20"]
    assert cli.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("the same in PYNATIVE and GRAPH mode as torch 2.")
    assert len(lines) == 9
    for mode, (inference, training, sgd, adam) in (("PYNATIVE", lines[1:5]), ("GRAPH", lines[5:])):
        assert inference.startswith(f"  {mode:8}  eval: 1 output, error ")
        assert "; 7 gradients, error " in inference
        assert "; 2 running statistics, error " in training
        assert " SGD: 20 steps from " in sgd
        assert " AdamW: 20 steps from " in adam


FAULTS = (
    ("nn.BatchNorm2d(6)", "nn.BatchNorm2d(6, momentum=0.8)"),
    ("self.bn(self.conv(x))", "self.bn(ops.stop_gradient(self.conv(x)))"),
    ("nn.Dense(6, 4)", "nn.Dense(6, 4)\n        self.fc.weight.requires_grad = False"),
)


def test_what_it_learns_otherwise_is_told(trained, monkeypatch, tmp_path):
    monkeypatch.chdir(trained)
    faulty = shutil.copytree(trained / "net", tmp_path / "faulty")
    source = (faulty / "model.py").read_text()
    for old, new in FAULTS:
        assert old in source
        source = source.replace(old, new)
    (faulty / "model.py").write_text(source)
    with pytest.raises(onnx2ms.NotProvenError) as raised:
        verify(faulty, "made:make", gradients=True, verify="pynative")
    message = str(raised.value)
    assert "PyTorch trains 'fc.weight', MindSpore does not" in message
    assert "gradient (eval) of 'input 0': error 1.0e+00" in message
    assert "statistics (train) of 'bn.moving_mean'" in message
    assert "forward" not in message


def test_gradients_beside_difference_quotients(tmp_path):
    proto = onnx.parser.parse_model(WAVE)
    random = np.random.default_rng(0)
    for name, shape in (("first_weight", (8, 6)), ("second_weight", (3, 8))):
        array = random.standard_normal(shape).astype(np.float32)
        proto.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    onnx.save(proto, tmp_path / "wave.onnx")
    onnx2ms.convert(tmp_path / "wave.onnx", tmp_path / "wave", verify="none")
    found = verify(tmp_path / "wave", tmp_path / "wave.onnx", gradients=True, verify="pynative")
    names = [check.name for check in found.training[0].checks]
    assert names == ["input 0", "fc1.weight", "fc2.weight"]
    with pytest.raises(onnx2ms.UsageError, match="cannot be trained"):
        verify(tmp_path / "wave", tmp_path / "wave.onnx", steps=20)


def test_a_folder_with_folded_normalization_is_held_against_its_model(tmp_path):
    text = """<ir_version: 8, opset_import: ["": 20]> g (float[1,1,2,2] x) => (float[1,1,2,2] y)
        <float[1,1,1,1] w = {2}, float[1] s = {3}, float[1] b = {1}, float[1] m = {0.5},
         float[1] v = {4}> { c = Conv(x, w)  y = BatchNormalization(c, s, b, m, v) }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / "net.onnx")
    folder = tmp_path / "net"
    written = onnx2ms.convert(tmp_path / "net.onnx", folder, fold_batchnorm=True, verify="none")
    assert str(written.report["repeat"]).endswith("--fold-batchnorm")
    assert verify(folder, tmp_path / "net.onnx", verify="pynative").verified


def test_what_wraps_a_module_is_taken_off():
    torch = pytest.importorskip("torch", reason="the module is PyTorch's")
    from onnx2ms.compiler.torch_export.training import run_module

    wrapped = torch.nn.DataParallel(torch.nn.Linear(4, 3))
    assert set(run_module(wrapped, torch.randn(2, 4)).values) == {"weight", "bias"}
    with pytest.raises(UsageError, match="no finite float32 tensor"):
        run_module(torch.nn.Linear(4, 3).bfloat16(), torch.randn(2, 4).bfloat16())


def test_losses_are_those_of_the_learning_rate_that_is_told():
    """Weights so small that every step is too long: the smallest rate of those tried is taken."""
    torch = pytest.importorskip("torch", reason="the module is PyTorch's")
    from onnx2ms.compiler.torch_export.training import BATCHES, RATES, TENTHS, run_module

    module = torch.nn.Linear(4, 3, bias=False)
    torch.nn.init.uniform_(module.weight, -1e-4, 1e-4)
    found = run_module(module, torch.randn(2, 4), steps=BATCHES)
    rate = found.rates["SGD"]
    assert rate == pytest.approx(RATES["SGD"] / 10**TENTHS)
    optimizer = torch.optim.SGD(module.parameters(), rate, momentum=0.9, weight_decay=0.01)
    for (x, target), loss in zip(found.batches, found.losses["SGD"], strict=True):
        apart = (module(torch.tensor(x)) - torch.tensor(target)) * found.scales[0]
        own = apart.square().mean()
        assert own.item() == pytest.approx(loss, rel=1e-4)
        optimizer.zero_grad()
        own.backward()
        optimizer.step()


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(onnx2ms.UsageError, match=r"there is no model\.py"):
        verify(tmp_path, "net.onnx")
    (tmp_path / "model.py").touch()
    with pytest.raises(onnx2ms.ModelError, match="cannot read the report"):
        verify(tmp_path, "net.onnx")


def test_a_weight_in_another_order_of_axes():
    weight = np.arange(6).reshape(2, 3)
    assert [axes for axes, _ in arrangements(weight, (3, 2))] == [(), (1, 0)]
    assert [axes for axes, _ in arrangements(weight, (2, 1, 3))] == [()]
    assert [a.tolist() for _, a in arrangements(weight, (3, 2))][1] == weight.T.tolist()
    assert list(arrangements(weight, (2, 4))) == []
