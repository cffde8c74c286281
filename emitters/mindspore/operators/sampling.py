"""Images sampled at computed places."""

from ..code import Code, Expression, Literal, shortest
from ..draft import Draft
from ..registry import CannotEmit, Op, emits

PLANE = 2


@emits("GridSample")
def grid_sample(op: Op) -> Code:
    """GridSample-22; by cubics, or at the nearest pixel, it is a function in the module.

    ops.grid_sample of MindSpore 2.10 has no bicubic mode on CPU, and takes another pixel where two
    are equally near.
    """
    mode, padding = op.attr("mode", "linear"), op.attr("padding_mode", "zeros")
    corners = bool(op.attr("align_corners", 0))
    how = f', padding_mode="{padding}"' if padding in ("border", "reflection") else ""
    how += ", align_corners=True" if corners else ""
    if mode == "cubic":
        if op.rank(0) != 4:
            raise CannotEmit("GridSample by cubics of other than images")
        template = f"sample_bicubic({{0}}, {{1}}{how})"
        return Expression(template, (op[0], op[1]), helpers=("sample_bicubic",))
    if mode == "nearest":
        template = f"sample_nearest({{0}}, {{1}}{how})"
        return Expression(template, (op[0], op[1]), helpers=("sample_nearest",))
    # GRAPH of MindSpore 2.10 takes no Parameter: "Tensor[Float32] … Ref[Tensor…"
    x, grid = (f"{{{i}}} + 0.0" if op.is_constant(i) else f"{{{i}}}" for i in (0, 1))
    return Expression(f"ops.grid_sample({x}, {grid}{how})", (op[0], op[1]))


@emits("AffineGrid")
def affine_grid(op: Op) -> Code:
    """AffineGrid-20."""
    draft = Draft(op)
    corners = ", align_corners=True" if op.attr("align_corners", 0) else ""
    source, size = draft.operand(0), draft.integers(1, "size")
    return draft.expression(f"ops.affine_grid({source}, {size}{corners})")


@emits("RoiAlign")
def roi_align(op: Op) -> Code:
    """RoiAlign-22; where coordinates are shifted, and by maxima, a function in the module.

    ops.ROIAlign of MindSpore 2.10 is that of output_half_pixel, by means; it is wrong where the
    number of samples depends on the region.
    """
    peaks = op.attr("mode", "avg") == "max"
    size = (op.attr("output_height", 1), op.attr("output_width", 1))
    ratio, scale = op.attr("sampling_ratio", 0), shortest(op.attr("spatial_scale", 1.0))
    shifted = op.attr("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    settings: dict[str, Literal] = {"scale": scale, "sampling_ratio": ratio}
    if not shifted and ratio and not peaks:
        settings |= {"height": size[0], "width": size[1]}
        regions = "ops.cat((ops.unsqueeze({1}, 1).astype({2}.dtype), {3}), axis=1)"
        template = "ops.ROIAlign({height}, {width}, {scale}, {sampling_ratio}, 0)"
        return Expression(f"{template}({{0}}, {regions})", (op[0], op[2], op[1], op[1]), settings)
    settings["size"] = size
    how = ", half_pixel=True" if shifted else ""
    name = "peak_regions" if peaks else "align_regions"
    template = f"{name}({{0}}, {{1}}, {{2}}, {{size}}, {{sampling_ratio}}, {{scale}}{how})"
    return Expression(template, (op[0], op[1], op[2]), settings, helpers=(name,))


@emits("MaxRoiPool")
def max_roi_pool(op: Op) -> Code:
    """MaxRoiPool-22, by a function in the module."""
    settings: dict[str, Literal] = {
        "size": tuple(op.attr("pooled_shape", (1, 1))),
        "scale": shortest(op.attr("spatial_scale", 1.0)),
    }
    template = "pool_regions({0}, {1}, {size}, {scale})"
    return Expression(template, (op[0], op[1]), settings, helpers=("pool_regions",))


@emits("NonMaxSuppression")
def non_max_suppression(op: Op) -> Code:
    """NonMaxSuppression-11, by a function in the module; the number of results is computed."""
    operands, given = [op[0], op[1]], ["{0}", "{1}"]
    settings: dict[str, Literal] = {}
    for index, name in ((2, "max_boxes"), (3, "iou_threshold"), (4, "score_threshold")):
        number = op.number(index) if op.has(index) else 0
        if number is None:
            given.append(f"{{{len(operands)}}}")
            operands.append(op[index])
        elif op.has(index) or index < 4:
            settings[name] = number
            given.append(f"{{{name}}}")
    given += ["centered=True"] if op.attr("center_point_box", 0) else []
    template = f"suppress_boxes({', '.join(given)})"
    return Expression(template, tuple(operands), settings, helpers=("suppress_boxes",))


@emits("DeformConv")
def deform_conv(op: Op) -> Code:
    """DeformConv-22 of images, by a function in the module.

    ops.deformable_conv2d of MindSpore 2.10 has no kernel without a mask, and wrong gradients where
    an offset is whole.
    """
    if op.rank(0) != 4 or op.attr("pads", (0,) * 4)[:2] != op.attr("pads", (0,) * 4)[2:]:
        raise CannotEmit("DeformConv of other than images, or with uneven pads")
    operands, given = [op[0], op[1], op[2]], ["{0}", "{1}", "{2}"]
    for index, word in ((4, "mask"), (3, "bias")):
        if op.has(index):
            given.append(f"{word}={{{len(operands)}}}")
            operands.append(op[index])
    settings: dict[str, Literal] = {}
    for name, word, default in (
        ("strides", "stride", (1, 1)),
        ("pads", "padding", (0, 0, 0, 0)),
        ("dilations", "dilation", (1, 1)),
        ("group", "groups", 1),
        ("offset_group", "offset_groups", 1),
    ):
        value: Literal = op.attr(name, default)
        if value != default:
            settings[word] = value[:2] if isinstance(value, tuple) else value
            given.append(f"{word}={{{word}}}")
    template = f"convolve_deformed({', '.join(given)})"
    return Expression(template, tuple(operands), settings, helpers=("convolve_deformed",))


@emits("Col2Im")
def col2im(op: Op) -> Code:
    """Col2Im-18 of planes; its pads are cut off where they differ between both ends.

    Where a size is computed it is a function in the module.
    """
    if not (op.is_constant(1) and op.is_constant(2)) or len(op.integers(1)) != PLANE:
        return computed_col2im(op)
    top, left, bottom, right = op.attr("pads", (0, 0, 0, 0))
    even_pads = (top, left) == (bottom, right)
    height, width = op.integers(1)
    settings: dict[str, Literal] = {
        "size": (height, width) if even_pads else (height + top + bottom, width + left + right),
        "kernel": op.integers(2),
        "dilation": op.attr("dilations", (1, 1)),
        "padding": (top, left) if even_pads else 0,
        "stride": op.attr("strides", (1, 1)),
    }
    template = (
        "ops.fold({0}, ms.Tensor({size}, ms.int32), {kernel}, {dilation}, {padding}, {stride})"
    )
    if not even_pads:
        settings |= {"top": top, "bottom": top + height, "left": left, "right": left + width}
        template += "[:, :, {top}:{bottom}, {left}:{right}]"
    return Expression(template, (op[0],), settings)


def computed_col2im(op: Op) -> Code:
    """Return Col2Im with an image or blocks of a size that is computed."""
    rank = op.result_rank - 2
    draft, ones = Draft(op), (1,) * rank
    given = [draft.operand(0), draft.integers(1, "image"), draft.integers(2, "block")]
    for name, default in (("dilations", ones), ("pads", 2 * (0,) * rank), ("strides", ones)):
        given.append(draft.setting(name, op.attr(name, default)))
    return draft.expression(f"sum_blocks({', '.join(given)})", helpers=("sum_blocks",))
