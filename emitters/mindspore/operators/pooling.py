"""Pooling."""

import math

from ..code import POWER, PRODUCT, Argument, Code, Expression, Layer, Literal, even
from ..code import shortest as short
from ..draft import Draft
from ..dtypes import mindspore_dtype
from ..registry import CannotEmit, Op, emits
from .convolution import axes_of

DEFAULTS: dict[str, Argument] = {
    "stride": 1,
    "pad_mode": "valid",
    "padding": 0,
    "dilation": 1,
    "ceil_mode": False,
    "count_include_pad": True,
}


def window(op: Op) -> dict[str, Argument]:
    """Return the arguments that all pools share; pads must be the same at both ends."""
    axes = axes_of(op)
    if op.attr("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise CannotEmit("auto_pad needs known shapes to become pads")
    pads: tuple[int, ...] = op.attr("pads", (0,) * (2 * axes))
    if pads[:axes] != pads[axes:]:
        raise CannotEmit("pads differ at the two ends")
    kernel: tuple[int, ...] = op.attr("kernel_shape", ())
    if any(pad > size // 2 for pad, size in zip(pads, kernel, strict=False)):
        raise CannotEmit("pads are more than half the kernel")
    return {
        "kernel_size": even(kernel),
        "stride": even(op.attr("strides", (1,) * axes)),
        "pad_mode": "pad",
        "padding": even(pads[:axes]),
    }


@emits("MaxPool")
def max_pool(op: Op) -> Code:
    """MaxPool-22; a function where its indices are read, which `lower_indices` numbers anew."""
    try:
        arguments = window(op)
    except CannotEmit:
        if op.outputs > 1:
            raise
        return pooled(op, "maximum")
    arguments["dilation"] = even(op.attr("dilations", (1,)))
    arguments["ceil_mode"] = bool(op.attr("ceil_mode", 0))
    if op.outputs > 1:
        return max_pool_with_indices(op)
    name = f"nn.MaxPool{axes_of(op)}d"
    return Layer(name, arguments, (op[0],), {}, DEFAULTS, positional=1, word="pool")


def max_pool_with_indices(op: Op) -> Code:
    """Return a MaxPool that tells where the maxima are."""
    axes = axes_of(op)
    if axes == 1 or op.attr("storage_order", 0):
        raise CannotEmit("the indices of a MaxPool over one axis, or in columns")
    settings: dict[str, Literal] = {
        "kernel_size": even(op.attr("kernel_shape", ())),
        "stride": even(op.attr("strides", (1,) * axes)),
        "padding": even(op.attr("pads", (0,) * (2 * axes))[:axes]),
        "dilation": even(op.attr("dilations", (1,))),
        "ceil_mode": bool(op.attr("ceil_mode", 0)),
    }
    places = ", ".join(f"{name}={{{name}}}" for name in settings)
    template = f"ops.max_pool{axes}d({{0}}, {places}, return_indices=True)"
    return Expression(template, (op[0],), settings, outputs=2)


@emits("AveragePool")
def average_pool(op: Op) -> Code:
    """AveragePool-22."""
    try:
        arguments = window(op)
        if set(op.attr("dilations", (1,))) != {1}:
            return dilated_average(op)
    except CannotEmit:
        return pooled(op, "mean")
    arguments["ceil_mode"] = bool(op.attr("ceil_mode", 0))
    arguments["count_include_pad"] = bool(op.attr("count_include_pad", 0))
    if arguments["padding"] == 0 and not arguments["ceil_mode"]:
        arguments["count_include_pad"] = True  # nothing to count; MindSpore's default is shorter
    name = f"nn.AvgPool{axes_of(op)}d"
    return Layer(name, arguments, (op[0],), {}, DEFAULTS, positional=1, word="pool")


def dilated_average(op: Op) -> Code:
    """Return an AveragePool with dilation, which MindSpore's has not: a convolution by ones."""
    counted = op.attr("count_include_pad", 0) or not any(op.attr("pads", ()))
    template, settings = sum_of_window(op, "{0}")
    if counted:
        settings["count"] = math.prod(op.attr("kernel_shape", (1,)))
        return Expression(f"{template} / {{count}}", (op[0],), settings, PRODUCT)
    counts, _ = sum_of_window(op, "ops.ones_like({1})")
    return Expression(f"{template} / {counts}", (op[0], op[0]), settings, PRODUCT)


@emits("LpPool")
def lp_pool(op: Op) -> Code:
    """LpPool-22 with dilation; without one it is an AveragePool by now."""
    p = op.attr("p", 2)
    try:
        template, settings = sum_of_window(op, "ops.abs({0}) ** {p}")
    except CannotEmit:
        return pooled(op, "sum", p)
    settings.update(p=p, root=short(1 / p))
    return Expression(f"{template} ** {{root}}", (op[0],), settings, POWER)


def pooled(op: Op, kind: str, p: int | None = None) -> Code:
    """Return a pool by a function in the module: its pads depend on open sizes."""
    draft, axes = Draft(op), axes_of(op)
    ones = (1,) * axes
    source = draft.operand(0)
    given = [source if p is None else f"ops.abs({source}) ** {p}"]
    for name, default in (("kernel_shape", ones), ("strides", ones), ("pads", 2 * (0,) * axes),
                          ("dilations", ones)):  # fmt: skip
        given.append(draft.setting(name, op.attr(name, default)))
    given.append(f'"{kind}"')
    mode = op.attr("auto_pad", "NOTSET")
    given += [f'same="{mode.removeprefix("SAME_").lower()}"'] if mode.startswith("SAME") else []
    given += ["ceil_mode=True"] if op.attr("ceil_mode", 0) else []
    given += ["count_pads=True"] if op.attr("count_include_pad", 0) else []
    if kind == "maximum" and not op.dtype.is_floating_point():
        given.append(f"lowest={draft.setting('lowest', int(op.dtype.min))}")
    template = f"pool_windows({', '.join(given)})"
    if p is None:
        return draft.expression(template, helpers=("pool_windows",))
    root = draft.setting("root", short(1 / p))
    return draft.expression(f"{template} ** {root}", binds=POWER, helpers=("pool_windows",))


def sum_of_window(op: Op, operand: str) -> tuple[str, dict[str, Literal]]:
    """Return the template of a sum over each window, and its settings."""
    if op.attr("ceil_mode", 0):
        raise CannotEmit("a pool in ceil_mode with dilation, or by a norm")
    axes, channels = axes_of(op), op.size(0, 1)
    window(op)  # refuses what it cannot express
    settings: dict[str, Literal] = {
        "shape": (channels, 1, *op.attr("kernel_shape", ())),
        "stride": even(op.attr("strides", (1,) * axes)),
        "padding": even(op.attr("pads", (0,) * (2 * axes))[:axes]),
        "dilation": even(op.attr("dilations", (1,) * axes)),
        "groups": channels,
    }
    template = (
        f"ops.conv{axes}d({operand}, ops.ones({{shape}}, {mindspore_dtype(op.dtype)}), "
        'stride={stride}, pad_mode="pad", padding={padding}, dilation={dilation}, groups={groups})'
    )
    return template, settings


@emits("GlobalAveragePool", "GlobalMaxPool")
def global_pool(op: Op) -> Code:
    """GlobalAveragePool-22, GlobalMaxPool-22: one number a channel, axes kept."""
    axes = tuple(range(2, op.rank(0)))
    if op.node.op_type == "GlobalAveragePool":
        template = "ops.mean({0}, {axis}, keep_dims=True)"
    else:
        template = "ops.amax({0}, {axis}, keepdims=True)"
    return Expression(template, (op[0],), {"axis": axes}, closes=True)


@emits("GlobalLpPool")
def global_lp_pool(op: Op) -> Code:
    """GlobalLpPool-22: the p-th root of the sum of |x|^p."""
    axes, p = tuple(range(2, op.rank(0))), op.attr("p", 2)
    return Expression(
        "ops.sum(ops.abs({0}) ** {p}, {axis}, keepdim=True) ** {root}",
        (op[0],),
        {"p": p, "axis": axes, "root": short(1 / p)},
        POWER,
        closes=True,
    )
