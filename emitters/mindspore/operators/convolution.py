"""Convolutions and their transposes."""

from ..code import Argument, Code, Expression, Layer, Literal, WeightSource, even
from ..draft import Draft
from ..dtypes import FLOAT32, dtype_of
from ..registry import CannotEmit, Op, emits

DEFAULTS: dict[str, Argument] = {
    "stride": 1,
    "pad_mode": "same",
    "padding": 0,
    "output_padding": 0,
    "dilation": 1,
    "group": 1,
    "has_bias": False,
    "dtype": FLOAT32,
}


def padding_of(pads: tuple[int, ...]) -> Literal:
    """Return ONNX pads (all starts, then all ends) as MindSpore writes them.

    One number where all are equal; for two axes (top, bottom, left, right).
    """
    axes = len(pads) // 2
    if len(set(pads)) == 1:
        return pads[0]
    return tuple(pads[axis + end * axes] for axis in range(axes) for end in (0, 1))


def window(op: Op) -> dict[str, Literal]:
    """Return how a kernel slides, as the layers' arguments."""
    axes = axes_of(op)
    if op.attr("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise CannotEmit("auto_pad needs known shapes to become pads")
    ones = (1,) * axes
    return {
        "stride": even(op.attr("strides", ones)),
        "pad_mode": "pad",
        "padding": padding_of(op.attr("pads", (0,) * (2 * axes))),
        "dilation": even(op.attr("dilations", ones)),
    }


def axes_of(op: Op) -> int:
    """Return the number of spatial axes."""
    axes = op.rank(0) - 2
    if axes not in (1, 2, 3):
        raise CannotEmit(f"{op.node.op_type} over {axes} axes; MindSpore has 1 to 3")
    return axes


def parameters(op: Op) -> dict[str, WeightSource]:
    """Return the weight and, if there is one, the bias.

    The layers over one axis keep their weight as that of a 2-D convolution.
    """
    weight = WeightSource(op[1])
    if axes_of(op) == 1:
        outer, inner, kernel = weight.shape
        weight = WeightSource(op[1], (("reshape", (outer, inner, 1, kernel)),))
    return {"weight": weight, "bias": WeightSource(op[2])} if op.has(2) else {"weight": weight}


@emits("Conv")
def conv(op: Op) -> Code:
    """Conv-22 over one, two or three axes; a function where weight or bias are computed."""
    axes, group = axes_of(op), op.attr("group", 1)
    if not op.is_constant(1) or (op.has(2) and not op.is_constant(2)):
        return functional_conv(op, axes)
    weights = parameters(op)
    out_channels, in_channels = weights["weight"].shape[:2]
    arguments: dict[str, Argument] = {
        "in_channels": in_channels * group,
        "out_channels": out_channels,
        "kernel_size": even(weights["weight"].shape[-axes:]),
        **window(op),
        "group": group,
        "has_bias": op.has(2),
        "dtype": dtype_of(weights["weight"]),
    }
    return Layer(
        f"nn.Conv{axes}d", arguments, (op[0],), weights, DEFAULTS, positional=3, word="conv"
    )


def functional_conv(op: Op, axes: int) -> Expression:
    """Return a Conv with a computed weight or bias; it takes one pad an axis, for both ends."""
    settings = window(op)
    pads: tuple[int, ...] = op.attr("pads", (0,) * (2 * axes))
    if pads[:axes] != pads[axes:]:
        raise CannotEmit("pads differ at the two ends, and the weight is computed")
    settings["padding"] = even(pads[:axes])
    settings["groups"] = op.attr("group", 1)
    if not any(pads):
        del settings["pad_mode"]
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    kept = {name: value for name, value in settings.items() if value != defaults.get(name)}
    places = [f"{{{i}}}" for i in range(len(op.inputs))] + [f"{name}={{{name}}}" for name in kept]
    return Expression(f"ops.conv{axes}d({', '.join(places)})", op.inputs, kept)


@emits("ConvTranspose")
def conv_transpose(op: Op) -> Code:
    """ConvTranspose-22 over one, two or three axes; a function where its weight is computed."""
    if not op.is_constant(1) or (op.has(2) and not op.is_constant(2)):
        return computed_conv_transpose(op)
    axes, group = axes_of(op), op.attr("group", 1)
    weights = parameters(op)
    in_channels, out_channels = weights["weight"].shape[:2]
    arguments: dict[str, Argument] = {
        "in_channels": in_channels,
        "out_channels": out_channels * group,
        "kernel_size": even(weights["weight"].shape[-axes:]),
        **window(op),
        "group": group,
        "has_bias": op.has(2),
        "dtype": dtype_of(weights["weight"]),
    }
    extra: tuple[int, ...] = op.attr("output_padding", (0,) * axes)
    if any(extra):
        arguments["output_padding"] = even(extra)
    elif not any(op.attr("pads", ())) and covers(op):
        arguments["pad_mode"] = "valid"
    name = f"nn.Conv{axes}dTranspose"
    return Layer(name, arguments, (op[0],), weights, DEFAULTS, positional=3, word="conv")


def computed_conv_transpose(op: Op) -> Code:
    """Return a ConvTranspose by a weight that is computed, of open sizes."""
    draft, axes = Draft(op), op.rank(0) - 2
    ones, none = (1,) * axes, (0,) * axes
    given = [draft.operand(0), draft.operand(1)]
    given += [f"bias={draft.operand(2)}"] if op.has(2) else []
    defaults: dict[str, tuple[str, Literal]] = {
        "strides": ("stride", ones),
        "pads": ("pads", 2 * none),
        "output_padding": ("output_padding", none),
        "dilations": ("dilation", ones),
        "group": ("groups", 1),
    }
    for name, (word, default) in defaults.items():
        given.append(f"{word}={draft.setting(word, op.attr(name, default))}")
    same, size = op.attr("auto_pad", "NOTSET").startswith("SAME"), op.attr("output_shape", ())
    if same or size:
        given.append(f"output_size={draft.setting('size', tuple(size[-axes:]) or none)}")
    given += ["upper=True"] if op.attr("auto_pad", "") == "SAME_UPPER" else []
    helpers = ("transpose_convolution",)
    return draft.expression(f"transpose_convolution({', '.join(given)})", helpers=helpers)


@emits("CausalConvWithState")
def causal_conv(op: Op) -> Code:
    """CausalConvWithState-27 of open sizes, by a function in the module."""
    draft = Draft(op)
    given = [draft.operand(0), draft.operand(1)]
    words = {"bias": 2, "past": 3}
    given += [f"{word}={draft.operand(i)}" for word, i in words.items() if op.has(i)]
    given += ["silu=True"] if op.attr("activation", "none") in ("silu", "swish") else []
    template = f"convolve_causally({', '.join(given)})" + ("[0]" if op.outputs == 1 else "")
    return draft.expression(template, outputs=op.outputs, helpers=("convolve_causally",))


def covers(op: Op) -> bool:
    """Tell whether the kernel is as large as its step.

    Where it is smaller, pad_mode "valid" makes more than ONNX does: in MindSpore that is always a
    multiple of the stride.
    """
    strides: tuple[int, ...] = op.attr("strides", (1,) * axes_of(op))
    return all(size >= step for size, step in zip(op.shape(1)[2:], strides, strict=True))
