"""Operators on images: blocks of pixels to channels and back, another size."""

from ....compiler.ir.dialect import DOMAIN
from ....compiler.ir.dims import Size
from ..code import Argument, Code, Expression, Layer, Literal, literal, shortest
from ..draft import Draft
from ..registry import CannotEmit, Op, emits


@emits("DepthToSpace")
def depth_to_space(op: Op) -> Code:
    """DepthToSpace-13; in mode CRD it is PyTorch's pixel_shuffle."""
    block = op.attr("blocksize", 1)
    if op.attr("mode", "DCR") == "DCR":
        return Expression("ops.DepthToSpace({block})({0})", (op[0],), {"block": block})
    settings: dict[str, Literal] = {"upscale_factor": block}
    cell = Layer("nn.PixelShuffle", settings, (op[0],), positional=1, word="shuffle")
    return Expression("ops.pixel_shuffle({0}, {upscale_factor})", (op[0],), settings, cell=cell)


@emits("SpaceToDepth")
def space_to_depth(op: Op) -> Code:
    """SpaceToDepth-13."""
    settings: dict[str, Literal] = {"block": op.attr("blocksize", 1)}
    return Expression("ops.SpaceToDepth({block})({0})", (op[0],), settings)


@emits("Roll", domain=DOMAIN)
def roll(op: Op) -> Code:
    """Elements moved on along axes, those at the end to the start, as torch.roll."""
    settings: dict[str, Literal] = {"shifts": op.attr("shifts", ()), "axes": op.attr("axes", ())}
    template = "roll_axes({0}, {shifts}, {axes})"
    return Expression(template, (op[0],), settings, helpers=("roll_axes",))


@emits("PixelUnshuffle", domain=DOMAIN)
def pixel_unshuffle(op: Op) -> Code:
    """Blocks of pixels as channels, as PyTorch's pixel_unshuffle."""
    settings: dict[str, Literal] = {"downscale_factor": op.attr("blocksize", 1)}
    cell = Layer("nn.PixelUnshuffle", settings, (op[0],), positional=1, word="unshuffle")
    return Expression("ops.pixel_unshuffle({0}, {downscale_factor})", (op[0],), settings, cell=cell)


RESIZES: dict[tuple[str, str], dict[str, Literal]] = {
    ("nearest", "asymmetric"): {},
    ("linear", "half_pixel"): {},
    ("linear", "align_corners"): {"align_corners": True},
}
LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}
UPSAMPLE: dict[str, Argument] = {"mode": "nearest", "align_corners": None}


@emits("Resize")
def resize(op: Op) -> Code:
    """Resize-19 as PyTorch's interpolate does it, or by a function in the module.

    Those of known shapes that PyTorch's does not do are written out by `lower_resize`.
    """
    try:
        return interpolated(op)
    except CannotEmit:
        return computed_resize(op)


# attributes of Resize and the arguments of `resize_axes`
WAYS = {
    "mode": "mode",
    "coordinate_transformation_mode": "coordinates",
    "nearest_mode": "rounding",
    "keep_aspect_ratio_policy": "aspect",
    "cubic_coeff_a": "cubic",
    "extrapolation_value": "beyond",
    "antialias": "antialias",
    "exclude_outside": "exclude_outside",
}
FLAGS = ("antialias", "exclude_outside")


def computed_resize(op: Op) -> Code:
    """Return a Resize whose sizes, scales or region are computed, or whose way MindSpore lacks."""
    draft = Draft(op)
    axes = op.attr("axes", tuple(range(op.rank(0))))
    given = [draft.operand(0), draft.setting("axes", tuple(axes))]
    crops = op.attr("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
    given.append(draft.operand(2 if op.has(2) else 3))
    given += [f"region={draft.operand(1)}"] if crops else []
    given += ["by_scales=True"] if op.has(2) else []
    for name, word in WAYS.items():
        value: Literal = op.attr(name, None)
        if value is not None:
            value = bool(value) if name in FLAGS else value
            given.append(f"{word}={literal(shortest(value) if type(value) is float else value)}")
    template = f"resize_axes({', '.join(given)})"
    return draft.expression(template, closes=True, helpers=("resize_axes",))


def interpolated(op: Op) -> Code:
    """Return a Resize by ops.interpolate."""
    mode, rank = op.attr("mode", "nearest"), op.rank(0)
    corners = RESIZES.get((mode, op.attr("coordinate_transformation_mode", "half_pixel")))
    if corners is None or op.attr("antialias", 0) or rank not in LINEAR:
        raise CannotEmit("Resize with antialias, of few or many axes, or to a computed size")
    size: dict[str, Literal] = {"size": resized(op, mode)}
    how = {"mode": LINEAR[rank], **corners} if mode == "linear" else {}
    text = "".join(f", {name}={literal(value)}" for name, value in how.items())
    arguments: dict[str, Argument] = {**size, **how}
    layer = Layer("nn.Upsample", arguments, (op[0],), {}, UPSAMPLE, positional=1, word="upsample")
    template = f"ops.interpolate({{0}}, {{size}}{text})"
    return Expression(template, (op[0],), size, cell=layer, closes=True)


def resized(op: Op, mode: str) -> tuple[Size, ...]:
    """Return the size of the result, if its ratio to the input's is the scale."""
    floors = mode != "nearest" or op.attr("nearest_mode", "round_prefer_floor") == "floor"
    if op.has(2):
        scales = op.constant(2).tolist()
        if not floors or scales[:2] != [1, 1] or any(int(scale) != scale for scale in scales):
            raise CannotEmit("Resize by a scale that is no whole number, of an open size")
        return op.result_dims()[2:]
    if not op.has(3) or (not floors and op.known is not None):
        raise CannotEmit("Resize of an open size that rounds to the nearest pixel")
    return op.sizes(3)[2:]
