"""How the operators of networks are added to a graph: products, windows, norms, attention."""

from collections.abc import Callable
from typing import Any

import numpy as np
from builder import Builder, Value
from recipes import Recipe, indices

LAYERS: dict[str, Recipe] = {}
REAL = ("float32", "float32", "float32", "float64", "float16")


def layer(*names: str) -> Callable[[Recipe], Recipe]:
    """Register a recipe."""

    def register(recipe: Recipe) -> Recipe:
        LAYERS.update(dict.fromkeys(names, recipe))
        return recipe

    return register


def image(b: Builder, axes: int, *, channels: int = 0, smallest: int = 1) -> Value:
    """Draw a value of batch, channels and axes of space, one of the graph's if it fits."""
    fit = [v for v in b.values if v.rank == axes + 2 and v.dtype == "float32" and not v.is_open()
           and (not channels or v.dims[1] == channels) and all(n >= smallest for n in v.dims[2:])
           and 0 not in v.dims]  # fmt: skip
    if fit and b.flag():
        return b.one_of(fit)
    space = [b.number(smallest, 6) for _ in range(axes)]
    return b.new((b.number(1, 2), channels or b.one_of((1, 2, 3, 4)), *space))


def window(b: Builder, axes: int, *, largest: int = 3) -> dict[str, Any]:
    """Draw the attributes of a window."""
    kernel = [b.number(1, largest) for _ in range(axes)]
    found: dict[str, Any] = {"kernel_shape": kernel}
    if b.flag():
        found["strides"] = [b.number(1, 2) for _ in range(axes)]
    if not b.number(0, 3):
        found["auto_pad"] = b.one_of(("SAME_UPPER", "SAME_LOWER", "VALID"))
    elif b.flag():
        found["pads"] = [b.number(0, kernel[i % axes] // 2) for i in range(2 * axes)]
    return found


@layer("MatMul")
def matmul(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), REAL)
    shape = [x.dims[-1], b.number(1, 4)][: b.number(1, 2)]
    b.add(name, [x, b.new(shape, x.dtype)])


@layer("Gemm")
def gemm(b: Builder, name: str) -> None:
    x = b.pick((2,), REAL)
    turned, across, columns = b.flag(), b.flag(), b.number(1, 4)
    rows, inner = x.dims[::-1] if turned else x.dims
    w = b.new((columns, inner) if across else (inner, columns), x.dtype)
    bias = b.new(b.one_of(((columns,), (1, columns), (rows, 1), ())), x.dtype) if b.flag() else None
    scales: dict[str, Any] = {"alpha": 0.5, "beta": 2.0} if b.flag() else {}
    b.add(name, [x, w, bias], transA=turned, transB=across, **scales)


EQUATIONS = {
    "ij,jk->ik": ((2, 3), (3, 4)),
    "bij,bkj->bik": ((2, 3, 4), (2, 2, 4)),
    "bhid,bhjd->bhij": ((1, 2, 3, 4), (1, 2, 3, 4)),
    "i,j->ij": ((3,), (4,)),
    "ij->ji": ((2, 3),),
    "ijk->ik": ((2, 3, 4),),
    "...ij,...jk": ((2, 3, 4), (2, 4, 2)),
    "bi,ij,bj->b": ((2, 3), (3, 4), (2, 4)),
}


@layer("Einsum")
def einsum(b: Builder, name: str) -> None:
    equation = b.one_of(EQUATIONS)
    b.add(name, [b.new(shape) for shape in EQUATIONS[equation]], equation=equation)


@layer("Conv")
def conv(b: Builder, name: str) -> None:
    axes = b.one_of((1, 2, 2, 3))
    x, attributes = image(b, axes, smallest=3), window(b, axes)
    groups = b.one_of([g for g in (1, 1, 2, x.dims[1]) if not x.dims[1] % g])
    out = groups * b.number(1, 2)
    weight = b.new((out, x.dims[1] // groups, *attributes["kernel_shape"]), given=False)
    if "auto_pad" not in attributes and b.flag():
        attributes["dilations"] = [b.number(1, 2) for _ in range(axes)]
    bias = b.new((out,), given=False) if b.flag() else None
    b.add(name, [x, weight, bias], group=groups, **attributes)


@layer("ConvTranspose")
def conv_transpose(b: Builder, name: str) -> None:
    axes = b.one_of((1, 2, 2))
    x, attributes = image(b, axes), window(b, axes)
    attributes.pop("auto_pad", None)
    groups = b.one_of([g for g in (1, 1, x.dims[1]) if not x.dims[1] % g])
    weight = b.new((x.dims[1], b.number(1, 2), *attributes["kernel_shape"]), given=False)
    if "strides" in attributes and b.flag():
        attributes["output_padding"] = [s - 1 for s in attributes["strides"]]
    b.add(name, [x, weight], group=groups, **attributes)


@layer("MaxPool", "AveragePool", "LpPool")
def pool(b: Builder, name: str) -> None:
    axes = b.one_of((1, 2, 2, 3))
    x, attributes = image(b, axes, smallest=3), window(b, axes)
    if "auto_pad" not in attributes:
        attributes["ceil_mode"] = b.flag()
    if name == "AveragePool":
        attributes["count_include_pad"] = b.flag()
    b.add(name, [x], **attributes, **({"p": b.number(1, 3)} if name == "LpPool" else {}))


@layer("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(b: Builder, name: str) -> None:
    b.add(name, [image(b, b.number(1, 3))])


@layer("BatchNormalization")
def batch_norm(b: Builder, name: str) -> None:
    x = image(b, b.number(0, 2))
    vectors = [b.new(x.dims[1:2], given=False) for _ in range(3)]
    variance = b.constant(np.linspace(0.5, 2, x.dims[1]).astype("float32"))
    b.add(name, [x, *vectors, variance])


@layer("InstanceNormalization")
def instance_norm(b: Builder, name: str) -> None:
    x = image(b, b.number(1, 2), smallest=2)
    b.add(name, [x, *(b.new(x.dims[1:2], given=False) for _ in range(2))])


@layer("GroupNormalization")
def group_norm(b: Builder, name: str) -> None:
    x = image(b, b.number(1, 2), channels=4, smallest=2)
    b.add(name, [x, *(b.new((4,), given=False) for _ in range(2))], num_groups=b.one_of((1, 2, 4)))


@layer("LayerNormalization", "RMSNormalization")
def layer_norm(b: Builder, name: str) -> None:
    x = b.pick(range(2, 5), ("float32",))
    axis = b.axis(x)
    shape = x.dims[axis:] if b.number(0, 3) else x.dims[-1:]
    bias = [b.new(shape)] if name[0] == "L" and b.flag() else []
    b.add(name, [x, b.new(shape), *bias], axis=axis)


@layer("LRN")
def lrn(b: Builder, name: str) -> None:
    b.add(name, [image(b, 2)], size=b.one_of((1, 3, 5)), alpha=0.01, beta=0.6, bias=1.5)


@layer("LpNormalization")
def lp_norm(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), ("float32", "float64"))
    b.add(name, [x], axis=b.axis(x), p=b.number(1, 2))


@layer("Dropout")
def dropout(b: Builder, name: str) -> None:
    b.add(name, [b.pick(range(1, 5), REAL)])


@layer("Softmax", "LogSoftmax", "Hardmax")
def softmax(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), REAL)
    b.add(name, [x], axis=b.axis(x))


@layer("Gelu")
def gelu(b: Builder, name: str) -> None:
    b.add(name, [b.pick(range(1, 5), REAL)], approximate=b.one_of(("none", "tanh")))


@layer("PRelu")
def prelu(b: Builder, name: str) -> None:
    x = b.pick(range(2, 5), ("float32", "float64"))
    shape = b.one_of(((1,), (x.dims[-1],), x.dims, (x.dims[1], *(1,) * (x.rank - 2))))
    b.add(name, [x, b.new(shape, x.dtype)])


@layer("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(b: Builder, name: str) -> None:
    classes, space = b.number(2, 4), b.shape(b.number(0, 1))
    scores = b.new((3, classes, *space))
    labels = indices(b, (3, *space), classes, signed=False)
    weight = b.constant(np.linspace(0.5, 1.5, classes).astype("float32")) if b.flag() else None
    b.add(name, [scores, labels, weight], reduction=b.one_of(("none", "mean", "sum")))


@layer("Resize")
def resize(b: Builder, name: str) -> None:
    x = image(b, b.one_of((1, 2)), smallest=2)
    mode = b.one_of(("nearest", "linear", "cubic") if x.rank == 4 else ("nearest", "linear"))
    how = {"mode": mode, "coordinate_transformation_mode": b.one_of(
        ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"))}  # fmt: skip
    if mode == "nearest":
        how["nearest_mode"] = b.one_of(("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"))
    scales = [1.0, 1.0, *(b.one_of((0.5, 1.5, 2.0)) for _ in x.dims[2:])]
    if b.flag():
        b.add(name, [x, None, b.constant(scales, "float32")], **how)
    else:
        sizes = [*x.dims[:2], *(b.number(1, 7) for _ in x.dims[2:])]
        b.add(name, [x, None, None, b.constant(sizes)], **how)


@layer("GridSample")
def grid_sample(b: Builder, name: str) -> None:
    x = image(b, 2, smallest=2)
    grid = np.sin(np.arange(x.dims[0] * 12) * 0.9).reshape(x.dims[0], 2, 3, 2).astype("float32")
    mode, pads = b.one_of(("linear", "nearest")), b.one_of(("zeros", "border", "reflection"))
    corners = b.flag()
    b.add(name, [x, b.constant(grid)], mode=mode, padding_mode=pads, align_corners=corners)


@layer("Col2Im")
def col2im(b: Builder, name: str) -> None:
    height, width = b.number(2, 4), b.number(2, 4)
    x = b.new((1, 4 * b.number(1, 2), (height - 1) * (width - 1)))
    b.add(name, [x, b.constant([height, width]), b.constant([2, 2])])


@layer("Det")
def det(b: Builder, name: str) -> None:
    size = b.number(1, 3)
    b.add(name, [b.new((*b.shape(b.flag()), size, size), given=True)])


@layer("Attention")
def attention(b: Builder, name: str) -> None:
    heads, keys, queries = b.one_of((1, 2)), b.number(1, 4), b.number(1, 3)
    q, k, v = b.new((2, 2, queries, 4)), b.new((2, heads, keys, 4)), b.new((2, heads, keys, 3))
    mask = b.new((queries, keys)) if b.flag() else None
    how: dict[str, Any] = {"is_causal": b.flag()}
    if b.flag():
        how["scale"] = 0.5
    b.add(name, [q, k, v, mask], **how)


@layer("RotaryEmbedding")
def rotary(b: Builder, name: str) -> None:
    angles = np.arange(24, dtype="float32").reshape(2, 3, 4) / 7
    x, tables = b.new((2, 2, 3, 8)), [b.constant(f(angles)) for f in (np.cos, np.sin)]
    b.add(name, [x, *tables], interleaved=b.flag())


@layer("LSTM", "GRU", "RNN")
def recurrent(b: Builder, name: str) -> None:
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name]
    direction = b.one_of(("forward", "reverse", "bidirectional"))
    ways, size, wide = 1 + (direction == "bidirectional"), b.number(1, 4), b.number(1, 3)
    x = b.new((b.number(1, 4), b.number(1, 3), wide))
    w = b.new((ways, gates * size, wide), given=False)
    r = b.new((ways, gates * size, size), given=False)
    bias = b.new((ways, 2 * gates * size), given=False) if b.flag() else None
    more = {"linear_before_reset": b.flag()} if name == "GRU" else {}
    count = b.number(1, 3 if name == "LSTM" else 2)
    b.add(name, [x, w, r, bias], count, hidden_size=size, direction=direction, **more)


@layer("QuantizeLinear")
def quantize(b: Builder, name: str) -> None:
    """Divide by a power of two, so that what is rounded is no matter of the last bit."""
    x = b.pick(range(1, 5), ("float32",))
    scale, dtype = b.constant(0.25, "float32"), b.one_of(("uint8", "int8", "int16", "uint16"))
    b.add(name, [x, scale, b.constant(3, dtype)])


@layer("DequantizeLinear")
def dequantize(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), ("uint8", "int8"))
    axis = b.axis(x)
    if b.flag():
        b.add(name, [x, b.constant(0.25, "float32"), b.constant(3, x.dtype)])
        return
    scales = np.linspace(0.5, 1, x.dims[axis]).astype("float32")
    b.add(name, [x, b.constant(scales)], axis=axis)


@layer("DynamicQuantizeLinear")
def quantize_dynamically(b: Builder, name: str) -> None:
    b.add(name, [b.pick(range(1, 5), ("float32",))], 3)


@layer("MatMulInteger")
def matmul_integer(b: Builder, name: str) -> None:
    left = b.new((b.number(1, 3), b.number(1, 4)), "uint8")
    right = b.new((left.dims[1], b.number(1, 3)), b.one_of(("uint8", "int8")))
    zeros = [b.constant(2, v.dtype) if b.flag() else None for v in (left, right)]
    b.add(name, [left, right, *zeros])


@layer("ConvInteger")
def conv_integer(b: Builder, name: str) -> None:
    x, weight = b.new((1, 2, 4, 4), "uint8"), b.new((2, 2, 2, 2), "uint8", given=False)
    b.add(name, [x, weight, *([b.constant(2, "uint8")] if b.flag() else [])])


@layer("QLinearMatMul", "QLinearConv")
def quantized(b: Builder, name: str) -> None:
    shapes = ((3, 4), (4, 2)) if name == "QLinearMatMul" else ((1, 2, 4, 4), (2, 2, 2, 2))
    scale, zero = b.constant(0.25, "float32"), b.constant(2, "uint8")
    x, w = b.new(shapes[0], "uint8"), b.new(shapes[1], "uint8", given=False)
    b.add(name, [x, scale, zero, w, scale, zero, b.constant(0.5, "float32"), zero])


@layer("DFT")
def fourier(b: Builder, name: str) -> None:
    x = b.new((2, b.number(2, 5), b.number(1, 2)))
    inverse = b.flag() if x.dims[2] == 2 else 0
    half = b.flag() if x.dims[2] == 1 else 0
    b.add(name, [x, None, b.constant(1)], inverse=inverse, onesided=half)


@layer("STFT")
def short_fourier(b: Builder, name: str) -> None:
    x, step = b.new((1, 12, 1)), b.constant(b.number(2, 4))
    b.add(name, [x, step, b.new((4,), given=False)], onesided=b.flag())


@layer("MelWeightMatrix")
def mel(b: Builder, name: str) -> None:
    bins = [b.constant(n) for n in (b.number(2, 4), 16, 8000)]
    b.add(name, [*bins, b.constant(20.0, "float32"), b.constant(4000.0, "float32")])


@layer("BlackmanWindow", "HammingWindow", "HannWindow")
def fourier_window(b: Builder, name: str) -> None:
    b.add(name, [b.constant(b.number(2, 6))], periodic=b.flag())
