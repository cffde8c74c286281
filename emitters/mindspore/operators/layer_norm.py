"""Normalization of each sample by itself: over channels, groups of them, or the last axes."""

import onnx_ir as ir

from ....compiler.ir.dims import Size
from ....compiler.ir.graph import axis_of
from ....compiler.ir.provenance import is_made_up
from ..code import ATOM, PRODUCT, Argument, Code, Expression, Layer, Literal, WeightSource, even
from ..code import shortest as short
from ..dtypes import FLOAT32, dtype_of, mindspore_dtype
from ..registry import CannotEmit, Op, emits

LAYER_NORM_DEFAULTS: dict[str, Argument] = {
    "begin_norm_axis": -1,
    "begin_params_axis": -1,
    "epsilon": 1e-7,
    "dtype": FLOAT32,
}
GROUP_NORM_DEFAULTS: dict[str, Argument] = {"eps": 1e-5, "affine": True, "dtype": FLOAT32}


@emits("LayerNormalization")
def layer_normalization(op: Op) -> Code:
    """LayerNormalization-17 over the axes from `axis` on."""
    if op.outputs > 1:
        raise CannotEmit("the mean and deviation of LayerNormalization")
    rank = op.rank(0)
    begin = axis_of(op.attr("axis", -1), rank)
    shape = tuple(op.size(0, axis) for axis in range(begin, rank))
    if begin == rank - 1:
        begin = -1  # no other axis may be counted from the back
    if any(op.shape(i) != shape for i in range(1, len(op.inputs))):
        raise CannotEmit("LayerNormalization by a scale or bias that is broadcast")
    epsilon = short(op.attr("epsilon", 1e-5))
    if not op.has(2) or not op.is_constant(1) or not op.is_constant(2):
        return functional_layer_norm(op, begin, epsilon)
    arguments: dict[str, Argument] = {
        "normalized_shape": shape,
        "begin_norm_axis": begin,
        "begin_params_axis": begin,
        "epsilon": epsilon,
        "dtype": dtype_of(WeightSource(op[1])),
    }
    weights = {"gamma": WeightSource(op[1]), "beta": WeightSource(op[2])}
    return Layer(
        "nn.LayerNorm", arguments, (op[0],), weights, LAYER_NORM_DEFAULTS, positional=1, word="norm"
    )


def functional_layer_norm(op: Op, begin: int, epsilon: float) -> Code:
    """Return a LayerNormalization without a bias, which nn.LayerNorm always has, or computed.

    ops.layer_norm of MindSpore 2.10 has no kernel on CPU; the primitive has.
    """
    beta, operand = ("{2}", op[2]) if op.has(2) else ("ops.zeros_like({2})", op[1])
    return Expression(
        f"ops.LayerNorm({{axis}}, {{axis}}, {{epsilon}})({{0}}, {{1}}, {beta})[0]",
        (op[0], op[1], operand),
        {"axis": begin, "epsilon": epsilon},
        closes=True,
    )


@emits("InstanceNormalization")
def instance_normalization(op: Op) -> Code:
    """InstanceNormalization-22: a group a channel.

    nn.InstanceNorm2d and its like of MindSpore 2.10 have no kernel on CPU.
    """
    return group_norm(op, op.shape(1)[0] if op.is_constant(1) else op.dims(0)[1])


@emits("GroupNormalization")
def group_normalization(op: Op) -> Code:
    """GroupNormalization-21."""
    return group_norm(op, op.attr("num_groups", 1))


def group_norm(op: Op, groups: Size) -> Code:
    """Return a normalization over groups of channels."""
    epsilon = short(op.attr("epsilon", 1e-5))
    if not op.is_constant(1) or not op.is_constant(2):
        settings: dict[str, Literal] = {"groups": groups, "eps": epsilon}
        template = "ops.group_norm({0}, {groups}, {1}, {2}, {eps})"
        return Expression(template, (op[0], op[1], op[2]), settings, closes=True)
    weights = {"gamma": WeightSource(op[1]), "beta": WeightSource(op[2])}
    affine = not (is_made_up(op[1]) and is_made_up(op[2]))
    arguments: dict[str, Argument] = {
        "num_groups": groups,
        "num_channels": weights["gamma"].shape[0],
        "eps": epsilon,
        "affine": affine,
        "dtype": dtype_of(weights["gamma"]),
    }
    return Layer(
        "nn.GroupNorm",
        arguments,
        (op[0],),
        weights,
        GROUP_NORM_DEFAULTS,
        positional=2,
        buffers=frozenset() if affine else frozenset(weights),  # they are there all the same
        word="norm",
    )


@emits("RMSNormalization")
def rms_normalization(op: Op) -> Code:
    """RMSNormalization-23: x / sqrt(mean(x^2) + epsilon) * scale, over the axes from `axis` on.

    ops.rms_norm of MindSpore 2.10 has no kernel on CPU. The squares of half precision are summed
    in float32.
    """
    rank = op.rank(0)
    square, narrow = "ops.square({1})", ""
    if op.dtype in (ir.DataType.FLOAT16, ir.DataType.BFLOAT16) and op.attr("stash_type", 1) == 1:
        square = "ops.square({1}.astype(ms.float32))"
        narrow = f".astype({mindspore_dtype(op.dtype)})"
    template = (
        f"{{0}} * ops.rsqrt(ops.mean({square}, {{axis}}, keep_dims=True) + {{epsilon}}){narrow}"
        " * {2}"
    )
    settings: dict[str, Literal] = {
        "axis": even(tuple(range(axis_of(op.attr("axis", -1), rank) - rank, 0))),
        "epsilon": short(op.attr("epsilon", 1e-5)),
    }
    slots = (PRODUCT, ATOM if narrow else 0, PRODUCT + 1)
    return Expression(template, (op[0], op[0], op[1]), settings, PRODUCT, slots, closes=True)
