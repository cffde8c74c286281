"""Operators on images: blocks of pixels to channels and back, another size."""

from ..code import Code, Expression, Layer, Literal
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


RESIZES = {
    ("nearest", "asymmetric"): "ops.interpolate({0}, {size})",
    ("linear", "half_pixel"): 'ops.interpolate({0}, {size}, mode="{mode}")',
    ("linear", "align_corners"): 'ops.interpolate({0}, {size}, mode="{mode}", align_corners=True)',
}
LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}


@emits("Resize")
def resize(op: Op) -> Code:
    """Resize-19 as PyTorch's interpolate does it; `lower_resize` has written out the others."""
    mode, rank = op.attr("mode", "nearest"), op.rank(0)
    template = RESIZES.get((mode, op.attr("coordinate_transformation_mode", "half_pixel")))
    if (
        op.attr("antialias", 0)
        or template is None
        or not op.has(3)
        or op.has(2)
        or rank not in LINEAR
    ):
        raise CannotEmit("Resize with antialias, of few or many axes, or to a computed size")
    template = template.replace("{mode}", LINEAR[rank])
    return Expression(template, (op[0],), {"size": op.integers(3)[2:]}, closes=True)
