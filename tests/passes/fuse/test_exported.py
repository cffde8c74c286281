"""What PyTorch's exporters take apart becomes one operator again, whatever operator set they write.

Every pass is checked by running the graph before and after it.
"""

import math
import warnings
from collections import Counter
from dataclasses import dataclass, field

import pytest

from onnx2ms.compiler.importer.load import load_model
from onnx2ms.passes.check import PassChecker
from onnx2ms.passes.pipeline import run_pipeline

torch = pytest.importorskip("torch", reason="PyTorch exports the modules")
functional, nn = torch.nn.functional, torch.nn

LEGACY, DYNAMO = (9, 13, 17, 20), (18, 23)
"""Operator sets between which an exporter spells something otherwise."""

NEWER = frozenset(("Attention", "BiasedAttention", "RMSNormalization", "RotateHalf"))
"""What the dynamo exporter spells otherwise from the operator set on that has such operators."""

MOVES = frozenset(("Gather", "Reshape", "Transpose"))
"""Operators that part heads and join them, in other ways by other exporters."""


@dataclass(frozen=True)
class Case:
    """A module, and what its exports are raised to.

    Attributes:
        module: What is exported.
        inputs: Shapes of its inputs, or tensors.
        wanted: The operators that it then consists of; with "…" those of `MOVES` besides.
        legacy: First operator set for which the legacy exporter has it; 0 if none.
        others: What exports of dynamo consist of, by operator set, where that is something else.
    """

    module: object
    inputs: tuple
    wanted: str
    legacy: int = 9
    others: dict[int, str] = field(default_factory=dict)

    def dynamo(self):
        return DYNAMO if NEWER.intersection(self.wanted.split(" ")) else DYNAMO[:1]

    def expected(self, exporter, opset):
        return self.others.get(opset, self.wanted) if exporter == "dynamo" else self.wanted


class Formula(nn.Module):
    """A function of its inputs, and of modules that it holds."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *inputs):
        return self.function(self, *inputs)


class RmsNorm(nn.Module):
    """That of LLaMA in transformers."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(16))

    def forward(self, x):
        wide = x.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.weight * wide.to(x.dtype)


class LayerNorm2d(nn.LayerNorm):
    """That of ConvNeXt."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def gelu_new(_, x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3))))


def attend(**options):
    return lambda _, *inputs: functional.scaled_dot_product_attention(*inputs, **options)


def masked(_, q, k, v):
    """Attention by hand, as in minGPT."""
    hidden = torch.triu(torch.ones(6, 6, dtype=torch.bool), 1)
    scores = (q @ k.transpose(-1, -2) / 8**0.5).masked_fill(hidden, float("-inf"))
    return scores.softmax(-1) @ v


def by_bools(_, q, k, v, mask):
    return functional.scaled_dot_product_attention(q, k, v, mask > 0)


def repeated(x):
    """`repeat_kv` of transformers."""
    batch, heads, length, size = x.shape
    spread = x[:, :, None].expand(batch, heads, 2, length, size)
    return spread.reshape(batch, heads * 2, length, size)


def grouped(_, q, k, v):
    return functional.scaled_dot_product_attention(q, repeated(k), repeated(v))


def cached(_, q, k, v, past_k, past_v):
    k, v = torch.cat((past_k, k), 2), torch.cat((past_v, v), 2)
    return functional.scaled_dot_product_attention(q, k, v), k, v


def packed(self, x):
    """Queries, keys and values of one Linear, as in timm."""
    batch, length, _ = x.shape
    q, k, v = self.qkv(x).reshape(batch, length, 3, 4, 4).permute(2, 0, 3, 1, 4).unbind(0)
    return functional.scaled_dot_product_attention(q, k, v)


def rotary(_, q, positions):
    """`apply_rotary_pos_emb` of LLaMA."""
    angles = positions[:, :, None].float() * torch.tensor([1.0, 0.1, 0.01, 0.001])
    angles = torch.cat((angles, angles), -1)
    half = torch.cat((-q[..., q.shape[-1] // 2 :], q[..., : q.shape[-1] // 2]), -1)
    return q * angles.cos()[:, None] + half * angles.sin()[:, None]


def focus(_, x):
    """The first layer of YOLOv5."""
    parts = (x[..., i::2, j::2] for j in (0, 1) for i in (0, 1))
    return torch.cat(tuple(parts), 1)


def shifted(_, x):
    """Windows of a Swin transformer, rolled there and back."""
    batch, height, width, channels = x.shape
    x = torch.roll(x, (-2, -2), (1, 2))
    x = x.view(batch, height // 4, 4, width // 4, 4, channels).permute(0, 1, 3, 2, 4, 5)
    x = x.reshape(-1, 16, channels).exp()
    x = x.view(batch, height // 4, width // 4, 4, 4, channels).permute(0, 1, 3, 2, 4, 5)
    return torch.roll(x.reshape(batch, height, width, channels), (2, 2), (1, 2))


def standardized(_, x):
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6)


def assigned(_, x):
    x = x.clone()
    x[:, 1:3] = 0
    return x


def of(function, *inputs, **modules):
    """Return a module that is a function of its inputs, and those."""
    return Formula(function, **modules), inputs


def multi_head(self, x, *others):
    return self.layer(x, *(others or (x, x)), need_weights=False)[0]


def first(self, *inputs):
    return self.layer(*inputs)[0]


ROWS, IMAGE, HEADS, FEW = (2, 6, 16), (2, 8, 8, 8), (2, 4, 6, 8), (2, 2, 6, 8)
ATTENTION = nn.MultiheadAttention
CASES = {
    "layer_norm": Case(nn.LayerNorm(16), (ROWS,), "LayerNormalization"),
    "layer_norm_no_bias": Case(nn.LayerNorm(16, bias=False), (ROWS,), "LayerNormalization"),
    "layer_norm_bare": Case(
        nn.LayerNorm(16, elementwise_affine=False), (ROWS,), "LayerNormalization"
    ),
    "layer_norm_2d": Case(LayerNorm2d(8), (IMAGE,), "Transpose LayerNormalization Transpose"),
    "rms_norm": Case(nn.RMSNorm(16), (ROWS,), "RMSNormalization", legacy=0),
    "rms_norm_llama": Case(RmsNorm(), (ROWS,), "RMSNormalization"),
    "group_norm": Case(nn.GroupNorm(4, 8), (IMAGE,), "GroupNormalization"),
    "group_norm_bare": Case(nn.GroupNorm(1, 8, affine=False), (IMAGE,), "GroupNormalization"),
    "instance_norm": Case(nn.InstanceNorm2d(8, affine=True), (IMAGE,), "InstanceNormalization"),
    "instance_norm_bare": Case(nn.InstanceNorm2d(8), (IMAGE,), "InstanceNormalization"),
    "gelu": Case(nn.GELU(), (ROWS,), "Gelu"),
    "gelu_tanh": Case(nn.GELU("tanh"), (ROWS,), "Gelu"),
    "gelu_new": Case(*of(gelu_new, ROWS), "Gelu"),
    "quick_gelu": Case(*of(lambda _, x: x * torch.sigmoid(1.702 * x), ROWS), "Swish"),
    "silu": Case(nn.SiLU(), (ROWS,), "Swish"),
    "hard_sigmoid": Case(nn.Hardsigmoid(), (ROWS,), "HardSigmoid"),
    "hard_swish": Case(nn.Hardswish(), (ROWS,), "HardSwish"),
    "hard_swish_by_hand": Case(
        *of(lambda _, x: x * functional.relu6(x + 3) / 6, ROWS), "HardSwish"
    ),
    "mish": Case(nn.Mish(), (ROWS,), "Mish"),
    "relu6": Case(nn.ReLU6(), (ROWS,), "Clip"),
    "prelu": Case(nn.PReLU(8), (IMAGE,), "PRelu"),
    "glu": Case(nn.GLU(), (ROWS,), "Glu"),
    "softplus": Case(nn.Softplus(), (ROWS,), "Softplus"),
    "softplus_scaled": Case(nn.Softplus(2), (ROWS,), "Mul Softplus Div"),
    "normalize": Case(*of(lambda _, x: functional.normalize(x, dim=-1), ROWS), "ReduceL2 Clip Div"),
    "linear": Case(nn.Linear(16, 4), (ROWS,), "Linear"),
    "linear_no_bias": Case(nn.Linear(16, 4, bias=False), (ROWS,), "MatMul"),
    "linear_of_rows": Case(nn.Linear(16, 4), ((2, 16),), "Gemm"),
    "embedding": Case(nn.Embedding(10, 4), (torch.arange(6),), "Gather"),
    "pixel_shuffle": Case(nn.PixelShuffle(2), (IMAGE,), "DepthToSpace"),
    "pixel_unshuffle": Case(nn.PixelUnshuffle(2), (IMAGE,), "PixelUnshuffle"),
    "focus": Case(*of(focus, IMAGE), "Reshape Transpose Reshape", legacy=13),
    "shifted_windows": Case(*of(shifted, (2, 8, 8, 4)), "Roll Exp Roll …"),
    "rotary": Case(
        *of(rotary, HEADS, torch.arange(6)[None].repeat(2, 1)),
        "Unsqueeze Cast Mul Concat Cos Unsqueeze Sin Unsqueeze Mul RotateHalf Mul Add",
        others={23: "Unsqueeze Cast Mul Cos Sin RotaryEmbedding"},
    ),
    "repeat_kv": Case(*of(lambda _, x: repeated(x), FEW), "RepeatInterleave"),
    "attention": Case(*of(attend(), *[HEADS] * 3), "Attention", legacy=17),
    "causal": Case(*of(attend(is_causal=True), *[HEADS] * 3), "Attention", legacy=17),
    "scale": Case(*of(attend(scale=0.3), *[HEADS] * 3), "Attention", legacy=17),
    "bias": Case(
        *of(attend(), *[HEADS] * 3, (6, 6)), "BiasedAttention", legacy=17, others={23: "Attention"}
    ),
    "bools": Case(
        *of(by_bools, *[HEADS] * 3, (2, 4, 6, 6)),
        "Greater Attention",
        legacy=17,
        others={18: "Greater Where BiasedAttention"},
    ),
    "by_hand": Case(*of(masked, *[HEADS] * 3), "Attention"),
    "grouped": Case(
        *of(grouped, HEADS, FEW, FEW), "RepeatInterleave RepeatInterleave Attention", legacy=17
    ),
    "grouped_queries": Case(
        *of(attend(enable_gqa=True), HEADS, FEW, FEW),
        "RepeatInterleave RepeatInterleave Attention",
        legacy=0,
        others={23: "Attention"},
    ),
    "cache": Case(
        *of(cached, *[(2, 4, 1, 8)] * 3, *[(2, 4, 5, 8)] * 2), "Concat Concat Attention", legacy=17
    ),
    "packed": Case(*of(packed, ROWS, qkv=nn.Linear(16, 48)), "Linear Attention …", legacy=17),
    "multi_head": Case(
        *of(multi_head, ROWS, layer=ATTENTION(16, 4, batch_first=True)),
        "Linear Attention Dense …",
        legacy=17,
        others=dict.fromkeys(DYNAMO, "Linear Attention Gemm …"),
    ),
    "multi_head_of_two": Case(
        *of(multi_head, ROWS, (5, 6, 16), (5, 6, 16), layer=ATTENTION(16, 4)),
        "Linear Linear Linear Attention Dense …",
        legacy=17,
        others=dict.fromkeys(DYNAMO, "Linear Linear Linear Attention Gemm …"),
    ),
    "lstm": Case(
        *of(first, ROWS, layer=nn.LSTM(16, 8, bidirectional=True, batch_first=True)), "LSTM1"
    ),
    "lstm_of_two_layers": Case(nn.LSTM(16, 8, num_layers=2), (ROWS,), "LSTM2"),
    "lstm_with_state": Case(
        *of(
            lambda self, x, h, c: self.layer(x, (h, c)),
            ROWS,
            (1, 6, 8),
            (1, 6, 8),
            layer=nn.LSTM(16, 8),
        ),
        "LSTM1",
    ),
    "gru": Case(*of(first, ROWS, layer=nn.GRU(16, 8, batch_first=True)), "GRU1"),
    "rnn": Case(
        *of(first, (2, 1, 16), layer=nn.RNN(16, 8, batch_first=True)),
        "RNN1",
        others=dict.fromkeys(DYNAMO, "Linear Add Tanh …"),  # it writes out every step
    ),
    "variance": Case(*of(lambda _, x: x.var(-1), ROWS), "Variance"),
    "standardized": Case(*of(standardized, ROWS), "ReduceMean Sub StandardDeviation Add Div"),
    "einsum": Case(
        *of(lambda _, a, b: torch.einsum("bhid,bhjd->bhij", a, b), HEADS, HEADS),
        "Einsum",  # which is emitted as one product of matrices
        legacy=13,
    ),
    "einsum_of_heads": Case(
        *of(lambda _, a, b: torch.einsum("bld,hdk->bhlk", a, b), ROWS, (3, 16, 5)),
        "MatMul …",
        legacy=13,
    ),
    "assigned": Case(*of(assigned, ROWS), "SliceScatter", legacy=13),
}
RUNS = [
    (name, exporter, opset)
    for name, case in CASES.items()
    for exporter, opsets in (("legacy", LEGACY), ("dynamo", DYNAMO))
    for opset in opsets
    if (0 < case.legacy <= opset if exporter == "legacy" else opset in case.dynamo())
]


@pytest.mark.parametrize(("name", "exporter", "opset"), RUNS)
def test_module(tmp_path, name, exporter, opset):
    case = CASES[name]
    file, arrays = export(tmp_path, case, exporter, opset)
    model = load_model(file).model
    inputs = {
        value.name or "": array for value, array in zip(model.graph.inputs, arrays, strict=True)
    }
    checker = PassChecker(model, inputs)
    run_pipeline(model, on_pass=checker)
    assert not checker.unchecked
    found = Counter(node.op_type for node in model.graph if node.op_type != "Identity")
    *wanted, rest = case.expected(exporter, opset).split(" ")
    if rest == "…":
        found -= Counter({kind: found[kind] for kind in MOVES})
    else:
        wanted.append(rest)
    assert sorted(found.elements()) == sorted(wanted)


def export(tmp_path, case, exporter, opset):
    """Return the file, and the inputs that it was exported with."""
    torch.manual_seed(0)
    inputs = tuple(
        torch.randn(given) if isinstance(given, tuple) else given for given in case.inputs
    )
    file, module = tmp_path / "module.onnx", case.module.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "legacy":
            torch.onnx.export(module, inputs, file, dynamo=False, opset_version=opset)
        else:
            pytest.importorskip("onnxscript")
            torch.onnx.export(module, inputs, dynamo=True, opset_version=opset, verbose=False).save(
                file
            )
    return file, [x.numpy() for x in inputs]
