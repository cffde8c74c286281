"""Operators on images: blocks of pixels to channels and back, another size."""

from ....compiler.ir.dialect import DOMAIN
from ..code import Argument, Code, Expression, Layer, Literal, literal
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
    """Resize-19 as PyTorch's interpolate does it; `lower_resize` has written out the others."""
    mode, rank = op.attr("mode", "nearest"), op.rank(0)
    corners = RESIZES.get((mode, op.attr("coordinate_transformation_mode", "half_pixel")))
    if corners is None or not op.has(3) or op.has(2) or rank not in LINEAR:
        raise CannotEmit("Resize with antialias, of few or many axes, or to a computed size")
    size: dict[str, Literal] = {"size": op.integers(3)[2:]}
    how = {"mode": LINEAR[rank], **corners} if mode == "linear" else {}
    text = "".join(f", {name}={literal(value)}" for name, value in how.items())
    arguments: dict[str, Argument] = {**size, **how}
    layer = Layer("nn.Upsample", arguments, (op[0],), {}, UPSAMPLE, positional=1, word="upsample")
    template = f"ops.interpolate({{0}}, {{size}}{text})"
    return Expression(template, (op[0],), size, cell=layer, closes=True)
