"""Pooling."""

from ..code import Code, Expression, Layer, Literal, even
from ..registry import CannotEmit, Op, emits

DEFAULTS: dict[str, Literal] = {
    "stride": 1,
    "pad_mode": "valid",
    "padding": 0,
    "dilation": 1,
    "ceil_mode": False,
    "count_include_pad": True,
}


def window(op: Op) -> dict[str, Literal]:
    """Return the arguments that all pools share; pads must be the same at both ends."""
    axes = op.rank(0) - 2
    if axes not in (1, 2, 3):
        raise CannotEmit(f"pooling over {axes} axes; MindSpore has 1 to 3")
    pads = op.attr("pads", (0,) * (2 * axes))
    if pads[:axes] != pads[axes:]:
        raise CannotEmit("pads differ at the two ends")
    return {
        "kernel_size": even(op.attr("kernel_shape", ())),
        "stride": even(op.attr("strides", (1,) * axes)),
        "pad_mode": "pad",
        "padding": even(pads[:axes]),
    }


@emits("MaxPool")
def max_pool(op: Op) -> Code:
    """MaxPool-22, values only."""
    if op.outputs > 1:
        raise CannotEmit("the indices of MaxPool are not supported yet")
    arguments = window(op)
    arguments["dilation"] = even(op.attr("dilations", (1,)))
    arguments["ceil_mode"] = bool(op.attr("ceil_mode", 0))
    name = f"nn.MaxPool{op.rank(0) - 2}d"
    return Layer(name, arguments, (op[0],), {}, DEFAULTS, positional=1, word="pool")


@emits("AveragePool")
def average_pool(op: Op) -> Code:
    """AveragePool-22."""
    if set(op.attr("dilations", (1,))) != {1}:
        raise CannotEmit("MindSpore's average pooling has no dilation")
    arguments = window(op)
    arguments["ceil_mode"] = bool(op.attr("ceil_mode", 0))
    arguments["count_include_pad"] = bool(op.attr("count_include_pad", 0))
    if arguments["padding"] == 0 and not arguments["ceil_mode"]:
        arguments["count_include_pad"] = True  # nothing to count; MindSpore's default is shorter
    name = f"nn.AvgPool{op.rank(0) - 2}d"
    return Layer(name, arguments, (op[0],), {}, DEFAULTS, positional=1, word="pool")


@emits("GlobalAveragePool", "GlobalMaxPool")
def global_pool(op: Op) -> Code:
    """GlobalAveragePool-22, GlobalMaxPool-22: one number a channel, axes kept."""
    axes = tuple(range(2, op.rank(0)))
    if op.node.op_type == "GlobalAveragePool":
        template = "ops.mean({0}, {axis}, keep_dims=True)"
    else:
        template = "ops.amax({0}, {axis}, keepdims=True)"
    return Expression(template, (op[0],), {"axis": axes}, closes=True)
