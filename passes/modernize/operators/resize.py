"""Resize, and Upsample, which came before it."""

import numpy as np
import onnx_ir as ir

from ....compiler.ir.graph import attribute, constant, is_constant
from ...rewrite import set_attribute, set_inputs
from ..form import Form, reads


@reads("Upsample", versions=(1, 7, 9, 10))
def upsample(form: Form) -> None:
    """Upsample is a Resize whose coordinates are divided by the scale."""
    scales = form[1]
    if form.version < 7:
        height, width = form.take("height_scale", 1.0), form.take("width_scale", 1.0)
        scales = form.constant([1, 1, height, width], "scales", ir.DataType.FLOAT)
    elif form.version < 9:
        scales = form.constant(form.take("scales", (1.0,)), "scales", ir.DataType.FLOAT)
    mode = attribute(form.node, "mode", "nearest")
    form.node.op_type = "Resize"
    set_attribute(form.node, "mode", "linear" if mode == "bilinear" else mode)
    set_attribute(form.node, "coordinate_transformation_mode", "asymmetric")
    set_attribute(form.node, "nearest_mode", "floor")
    set_inputs(form.node, form[0], None, scales)


@reads("Resize", versions=(10, 11, 13, 18, 19))
def resize(form: Form) -> None:
    """Resize; its tenth version had two operands and divided coordinates by the scale."""
    if form.version < 11:
        _resize_10(form)
        return
    crops = attribute(form.node, "coordinate_transformation_mode", "") == "tf_crop_and_resize"
    region = form[1] if crops else None  # of no effect otherwise
    set_inputs(form.node, form[0], region, *(_given(form[index]) for index in (2, 3)))
    if attribute(form.node, "coordinate_transformation_mode", "") == "tf_half_pixel_for_nn":
        # gone since 13: it floors (x + 1/2) / scale, as half_pixel does when it rounds halves up
        set_attribute(form.node, "coordinate_transformation_mode", "half_pixel")
        set_attribute(form.node, "nearest_mode", "round_prefer_ceil")


def _resize_10(form: Form) -> None:
    scales = constant(form[1])
    # the specification is silent; onnxruntime rounds up where it samples down
    down = scales is not None and bool(np.any(np.less(scales, 1)))
    set_attribute(form.node, "coordinate_transformation_mode", "asymmetric")
    set_attribute(form.node, "nearest_mode", "ceil" if down else "floor")
    set_inputs(form.node, form[0], None, form[1])


def _given(value: ir.Value | None) -> ir.Value | None:
    """Return an operand, or None if it is empty: so exporters say that there is none."""
    if value is None or not is_constant(value) or value.const_value is None:
        return value
    return value if value.const_value.size else None
