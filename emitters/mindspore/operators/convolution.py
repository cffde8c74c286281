"""Convolutions."""

from ..code import Code, Layer, Literal, WeightSource, even
from ..registry import CannotEmit, Op, emits

DEFAULTS: dict[str, Literal] = {
    "stride": 1,
    "pad_mode": "same",
    "padding": 0,
    "dilation": 1,
    "group": 1,
    "has_bias": False,
}


def padding_of(pads: tuple[int, ...]) -> Literal:
    """Return ONNX pads (all starts, then all ends) as MindSpore writes them.

    One number where all are equal; for two axes (top, bottom, left, right).
    """
    axes = len(pads) // 2
    if len(set(pads)) == 1:
        return pads[0]
    return tuple(pads[axis + end * axes] for axis in range(axes) for end in (0, 1))


@emits("Conv")
def conv(op: Op) -> Code:
    """Conv-22 with a constant weight, over one, two or three axes."""
    if not op.is_constant(1) or (op.has(2) and not op.is_constant(2)):
        raise CannotEmit("Conv with a weight or bias that is computed is not supported yet")
    weight = WeightSource(op[1])
    axes = op.rank(0) - 2
    if axes not in (1, 2, 3):
        raise CannotEmit(f"Conv over {axes} axes; MindSpore has 1 to 3")
    ones = (1,) * axes
    out_channels, in_channels, *kernel = weight.shape
    group = op.attr("group", 1)
    if op.attr("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise CannotEmit("auto_pad needs known shapes to become pads")
    arguments: dict[str, Literal] = {
        "in_channels": in_channels * group,
        "out_channels": out_channels,
        "kernel_size": even(tuple(kernel)),
        "stride": even(op.attr("strides", ones)),
        "pad_mode": "pad",
        "padding": padding_of(op.attr("pads", (0,) * (2 * axes))),
        "dilation": even(op.attr("dilations", ones)),
        "group": group,
        "has_bias": op.has(2),
    }
    if axes == 1:  # nn.Conv1d keeps its weight as that of a 2-D convolution
        weight = WeightSource(op[1], (("reshape", (out_channels, in_channels, 1, *kernel)),))
    weights = {"weight": weight}
    if op.has(2):
        weights["bias"] = WeightSource(op[2])
    return Layer(
        f"nn.Conv{axes}d", arguments, (op[0],), weights, DEFAULTS, positional=3, word="conv"
    )
