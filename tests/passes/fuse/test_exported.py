"""What PyTorch's exporters take apart becomes one operator again, whatever operator set they write.

Every pass is checked by running the graph before and after it.
"""

import math
import warnings

import pytest

from onnx2ms.compiler.importer.load import load_model
from onnx2ms.passes.check import PassChecker
from onnx2ms.passes.pipeline import run_pipeline

torch = pytest.importorskip("torch", reason="PyTorch exports the modules")
functional = torch.nn.functional

EXPORTERS = [("legacy", 9), ("legacy", 17), ("dynamo", 20)]


class Formula(torch.nn.Module):
    """A function of its inputs."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *inputs):
        return self.function(self, *inputs)


class RmsNorm(torch.nn.Module):
    """That of LLaMA in transformers."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.rand(16))

    def forward(self, x):
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.weight * wide.to(x.dtype)


def gelu_new(_, x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3))))


def attend(*arguments, **options):
    return lambda _, *inputs: functional.scaled_dot_product_attention(*inputs, **options)


def masked(_, q, k, v):
    """Attention by hand, as in minGPT."""
    hidden = torch.triu(torch.ones(6, 6, dtype=torch.bool), 1)
    scores = (q @ k.transpose(-1, -2) / 8**0.5).masked_fill(hidden, float("-inf"))
    return scores.softmax(-1) @ v


ROWS, IMAGE, HEADS = (2, 6, 16), (2, 8, 8, 8), (2, 4, 6, 8)
nn = torch.nn
MODULES = {
    "layer_norm": (nn.LayerNorm(16), [ROWS], {"LayerNormalization"}),
    "layer_norm_bare": (
        nn.LayerNorm(16, elementwise_affine=False),
        [ROWS],
        {"LayerNormalization"},
    ),
    "rms_norm": (RmsNorm(), [ROWS], {"RMSNormalization"}),
    "group_norm": (nn.GroupNorm(4, 8), [IMAGE], {"GroupNormalization"}),
    "group_norm_bare": (nn.GroupNorm(1, 8, affine=False), [IMAGE], {"GroupNormalization"}),
    "gelu": (nn.GELU(), [ROWS], {"Gelu"}),
    "gelu_tanh": (nn.GELU("tanh"), [ROWS], {"Gelu"}),
    "gelu_new": (Formula(gelu_new), [ROWS], {"Gelu"}),
    "quick_gelu": (Formula(lambda _, x: x * torch.sigmoid(1.702 * x)), [ROWS], {"Swish"}),
    "silu": (nn.SiLU(), [ROWS], {"Swish"}),
    "hardswish": (nn.Hardswish(), [ROWS], {"HardSwish"}),
    "hardswish_by_hand": (
        Formula(lambda _, x: x * functional.relu6(x + 3) / 6),
        [ROWS],
        {"HardSwish"},
    ),
    "mish": (nn.Mish(), [ROWS], {"Mish"}),
    "relu6": (nn.ReLU6(), [ROWS], {"Clip"}),
    "glu": (nn.GLU(), [ROWS], {"Glu"}),
    "softplus": (nn.Softplus(), [ROWS], {"Softplus"}),
    "linear": (nn.Linear(16, 4), [ROWS], {"Linear"}),
    "pixel_shuffle": (nn.PixelShuffle(2), [IMAGE], {"DepthToSpace"}),
    "pixel_unshuffle": (nn.PixelUnshuffle(2), [IMAGE], {"PixelUnshuffle"}),
    "normalize": (
        Formula(lambda _, x: functional.normalize(x, dim=-1)),
        [ROWS],
        {"ReduceL2", "Clip", "Div"},
    ),
    "variance": (Formula(lambda _, x: x.var(-1)), [ROWS], {"Variance"}),
    "by_hand": (Formula(masked), [HEADS] * 3, None),
}
ATTENTION = {
    "plain": (Formula(attend()), [HEADS] * 3, {"Attention"}),
    "causal": (Formula(attend(is_causal=True)), [HEADS] * 3, {"Attention"}),
    "scale": (Formula(attend(scale=0.3)), [HEADS] * 3, {"Attention"}),
    "bias": (Formula(attend()), [*[HEADS] * 3, (6, 6)], {"BiasedAttention"}),
}


def export(tmp_path, module, shapes, exporter, opset):
    """Return the file, and the inputs that it was exported with."""
    inputs = tuple(torch.randn(shape) for shape in shapes)
    file = tmp_path / "module.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "legacy":
            torch.onnx.export(module.eval(), inputs, file, dynamo=False, opset_version=opset)
        else:
            pytest.importorskip("onnxscript")
            torch.onnx.export(
                module.eval(), inputs, dynamo=True, opset_version=opset, verbose=False
            ).save(file)
    return file, [x.numpy() for x in inputs]


def check(tmp_path, module, shapes, expected, exporter, opset):
    torch.manual_seed(0)
    file, arrays = export(tmp_path, module, shapes, exporter, opset)
    model = load_model(file, shapes={}, outputs=None).model
    inputs = {
        value.name or "": array for value, array in zip(model.graph.inputs, arrays, strict=True)
    }
    checker = PassChecker(model, inputs)
    run_pipeline(model, on_pass=checker)
    assert not checker.unchecked
    if expected is not None:
        found = [node.op_type for node in model.graph if node.op_type != "Identity"]
        assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize(("exporter", "opset"), EXPORTERS)
def test_module(tmp_path, name, exporter, opset):
    module, shapes, expected = MODULES[name]
    if name == "variance" and exporter == "dynamo":
        expected = None  # the axis is kept, and taken away by a Reshape
    check(tmp_path, module, shapes, expected, exporter, opset)


@pytest.mark.parametrize("name", ATTENTION)
@pytest.mark.parametrize(("exporter", "opset"), [("legacy", 17), ("dynamo", 20)])
def test_attention(tmp_path, name, exporter, opset):
    module, shapes, expected = ATTENTION[name]
    check(tmp_path, module, shapes, expected, exporter, opset)
