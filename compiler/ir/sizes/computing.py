"""Shapes of what operators make that compute: elementwise, products, reductions, windows."""

import math
from collections.abc import Sequence

from ..dims import Size
from ..graph import attribute, axis_of
from .analysis import Partial, Site, shapes
from .contents import Ratio
from .layout import broadcast

Shapes = Sequence[Partial | None]


@shapes(
    *("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Cast", "CastLike"),
    *("Ceil", "Celu", "Clip", "Cos", "Cosh", "CumSum", "Elu", "Erf", "Exp", "Floor", "Gelu"),
    *("HardSigmoid", "HardSwish", "Hardmax", "Identity", "InstanceNormalization", "IsInf", "IsNaN"),
    *("LRN", "LeakyRelu", "Log", "LogSoftmax", "LpNormalization", "Mish", "Neg", "Not", "PRelu"),
    *("Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax"),
    *("Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Trilu"),
    *("MeanVarianceNormalization", "GroupNormalization", "RMSNormalization", "RotaryEmbedding"),
    *("ScatterElements", "ScatterND", "QuantizeLinear", "DequantizeLinear", "Bernoulli"),
    *("RandomNormalLike", "RandomUniformLike", "ReverseSequence", "EyeLike"),
)
def same(site: Site) -> Shapes:
    """Give the first input's shape."""
    return [site.shape(0)]


@shapes("Dropout", "BatchNormalization", "LayerNormalization")
def first_same(site: Site) -> Shapes:
    """Give the first input's shape for the first output."""
    return [site.shape(0)]


@shapes(
    *("Add", "And", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "Equal", "Greater"),
    *("GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean", "Min", "Mod", "Mul", "Or", "Pow"),
    *("Sub", "Sum", "Where", "Xor"),
)
def broadcasting(site: Site) -> Shapes:
    """Broadcast all inputs against each other."""
    operands = [site.shape(i) for i in range(len(site.node.inputs))]
    known = [operand for operand in operands if operand is not None]
    return [broadcast(site, known) if known and len(known) == len(operands) else None]


@shapes("MatMul")
def matmul(site: Site) -> Shapes:
    """MatMul-13, as numpy.matmul."""
    left, right = site.shape(0), site.shape(1)
    if not left or not right:
        return [None]
    site.equal(left[-1], right[-2:][0])
    batch = broadcast(site, [left[:-2], right[:-2]])
    rows = left[-2:-1]
    columns = right[-1:] if len(right) > 1 else ()
    return [(*batch, *rows, *columns)]


@shapes("Gemm")
def gemm(site: Site) -> Shapes:
    """Gemm-13."""
    left, right = site.shape(0), site.shape(1)
    if left is None or right is None:
        return [None]
    rows = left[::-1] if attribute(site.node, "transA", 0) else left
    columns = right[::-1] if attribute(site.node, "transB", 0) else right
    site.equal(rows[1], columns[0])
    return [(rows[0], columns[1])]


@shapes("Einsum")
def einsum(site: Site) -> Shapes:
    """Einsum-12 without an ellipsis: each letter is one size."""
    inputs, arrow, output = attribute(site.node, "equation", "").replace(" ", "").partition("->")
    if not arrow or "." in inputs:
        return [None]
    letters: dict[str, Size] = {}
    for index, term in enumerate(inputs.split(",")):
        shape = site.shape(index)
        if shape is None or len(shape) != len(term):
            return [None]
        for letter, size in zip(term, shape, strict=True):
            letters[letter] = site.equal(letters[letter], size) if letter in letters else size
    return [tuple(letters[letter] for letter in output)]


REDUCTIONS = (
    *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean"),
    *("ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"),
)


@shapes(*REDUCTIONS)
def reduction(site: Site) -> Shapes:
    """Reduce-18: without axes all of them, or none."""
    before = site.shape(0)
    axes = site.numbers(1) if site.has(1) else ()
    if before is None or axes is None:
        return [None]
    if not axes and attribute(site.node, "noop_with_empty_axes", 0):
        return [before]
    gone = {axis_of(axis, len(before)) for axis in axes or range(len(before))}
    return [without(before, gone, keep=bool(attribute(site.node, "keepdims", 1)))]


@shapes("ArgMax", "ArgMin")
def argument(site: Site) -> Shapes:
    """ArgMax-13."""
    before = site.shape(0)
    if before is None:
        return [None]
    axis = axis_of(attribute(site.node, "axis", 0), len(before))
    return [without(before, {axis}, keep=bool(attribute(site.node, "keepdims", 1)))]


def without(shape: Sequence[Size], gone: set[int], *, keep: bool) -> tuple[Size, ...]:
    """Return a shape whose reduced axes are 1, or are not there."""
    if keep:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


@shapes("TopK")
def top_k(site: Site) -> Shapes:
    """TopK-24."""
    before, count = site.shape(0), site.integers(1)
    if before is None:
        return [None, None]
    axis = axis_of(attribute(site.node, "axis", -1), len(before))
    found: Partial = (*before[:axis], count[0] if count else None, *before[axis + 1 :])
    return [found, found]


@shapes("OneHot")
def one_hot(site: Site) -> Shapes:
    """OneHot-11."""
    indices, depth = site.shape(0), site.integers(1)
    if indices is None:
        return [None]
    axis = axis_of(attribute(site.node, "axis", -1), len(indices) + 1)
    return [(*indices[:axis], depth[0] if depth else None, *indices[axis:])]


@shapes("NonZero")
def non_zero(site: Site) -> Shapes:
    """NonZero-13: how many depends on the data."""
    before = site.shape(0)
    return [None if before is None else (max(len(before), 1), None)]


@shapes("Conv", "MaxPool", "AveragePool", "LpPool")
def window(site: Site) -> Shapes:
    """Conv-22 and the pools: a window that slides over the spatial dimensions."""
    before = site.shape(0)
    if before is None:
        return [None] * len(site.node.outputs)
    spatial = before[2:]
    count = len(spatial)
    weight = site.shape(1) if site.node.op_type == "Conv" else None
    kernel: Sequence[Size] | None = attribute(site.node, "kernel_shape", None)
    if kernel is None and weight is not None:
        kernel = weight[2:]
    if kernel is None or len(kernel) != count:
        return [None] * len(site.node.outputs)
    strides = attribute(site.node, "strides", (1,) * count)
    dilations = attribute(site.node, "dilations", (1,) * count)
    pads = attribute(site.node, "pads", (0,) * (2 * count))
    auto = attribute(site.node, "auto_pad", "NOTSET")
    ceil = bool(attribute(site.node, "ceil_mode", 0))
    sizes: list[Size | None] = []
    for i, size in enumerate(spatial):
        reach = (kernel[i] - 1) * dilations[i] + 1
        if auto.startswith("SAME"):
            sizes.append(-1 * (-1 * size // strides[i]))
            continue
        padded = size if auto == "VALID" else size + pads[i] + pads[count + i]
        room = padded - reach
        if ceil:  # the last window must begin inside of the tensor or its start padding
            steps = -1 * (-1 * room // strides[i])
            sizes.append(steps + 1 if isinstance(steps, int) or strides[i] == 1 else None)
        else:
            sizes.append(room // strides[i] + 1)
    for place in sizes:
        if place is not None:
            site.sizes.at_least_one(place)
    channels = before[1] if weight is None else weight[0]
    return [(before[0], channels, *sizes)] * len(site.node.outputs)


@shapes("ConvTranspose")
def conv_transpose(site: Site) -> Shapes:
    """ConvTranspose-22."""
    before, weight = site.shape(0), site.shape(1)
    if before is None or weight is None or attribute(site.node, "output_shape", None):
        return [None]
    count = len(before) - 2
    strides = attribute(site.node, "strides", (1,) * count)
    dilations = attribute(site.node, "dilations", (1,) * count)
    pads = attribute(site.node, "pads", (0,) * (2 * count))
    extra = attribute(site.node, "output_padding", (0,) * count)
    auto = attribute(site.node, "auto_pad", "NOTSET")
    sizes: list[Size] = []
    for i, size in enumerate(before[2:]):
        if auto.startswith("SAME"):
            sizes.append(size * strides[i])
            continue
        reach = (weight[2 + i] - 1) * dilations[i] + 1
        padding = 0 if auto == "VALID" else pads[i] + pads[count + i]
        sizes.append((size - 1) * strides[i] + extra[i] + reach - padding)
    return [(before[0], weight[1] * attribute(site.node, "group", 1), *sizes)]


@shapes("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(site: Site) -> Shapes:
    """GlobalAveragePool-22."""
    before = site.shape(0)
    return [None if before is None else (*before[:2], *[1] * (len(before) - 2))]


@shapes("Resize")
def resize(site: Site) -> Shapes:
    """Resize-19: to given sizes, or by factors, rounded down."""
    before = site.shape(0)
    if before is None:
        return [None]
    axes = attribute(site.node, "axes", tuple(range(len(before))))
    after: list[Size | None] = list(before)
    wanted = site.integers(3) if site.has(3) else None
    factors = site.content(2) if site.has(2) else None
    policy = attribute(site.node, "keep_aspect_ratio_policy", "stretch")
    for i, axis in enumerate(axes):
        size: Size | None = None
        if wanted is not None and policy == "stretch":
            size = wanted[i]
        elif factors is not None and factors.size == len(axes):
            size = scaled(before[axis], factors.flat[i])
        after[axis] = size
    return [tuple(after)]


def scaled(size: Size, factor: object) -> Size | None:
    """Return a size times a factor, rounded down; None where the factor is no short fraction."""
    if isinstance(factor, Ratio) or not isinstance(factor, int | float):
        return None
    numerator, denominator = float(factor).as_integer_ratio()
    if isinstance(size, int):
        return math.floor(size * factor)
    return size * numerator // denominator if denominator <= 2**10 else None


@shapes("LSTM", "GRU", "RNN")
def recurrent(site: Site) -> Shapes:
    """LSTM-22 and its like: all outputs, the last one, for the LSTM the last cell state."""
    data, recurrence = site.shape(0), site.shape(2)
    if data is None or recurrence is None:
        return [None] * len(site.node.outputs)
    directions, hidden = recurrence[0], recurrence[-1]
    first = attribute(site.node, "layout", 0)
    for index in (5, 6) if site.node.op_type == "LSTM" else (5,):
        state = site.shape(index) if site.has(index) else None
        if state is not None:
            site.equal(data[0 if first else 1], state[0 if first else 1])
    if first:
        batch, steps = data[0], data[1]
        last = (batch, directions, hidden)
        return [(batch, steps, directions, hidden), last, last]
    steps, batch = data[0], data[1]
    last = (directions, batch, hidden)
    return [(steps, directions, batch, hidden), last, last]


@shapes("GridSample")
def grid_sample(site: Site) -> Shapes:
    """GridSample-22: the grid's spatial dimensions."""
    data, grid = site.shape(0), site.shape(1)
    return [None if data is None or grid is None else (*data[:2], *grid[1:-1])]


@shapes("Attention")
def attention(site: Site) -> Shapes:
    """Attention-24 on four dimensions: the query's shape with the values' channels."""
    query, value = site.shape(0), site.shape(2)
    if query is None or value is None or len(query) != 4:
        return [None] * len(site.node.outputs)
    return [(*query[:3], value[3])]
