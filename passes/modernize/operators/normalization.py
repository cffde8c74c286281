"""Normalizations."""

import onnx_ir as ir

from ....compiler.ir.errors import ModelError, quoted
from ....compiler.ir.graph import attribute
from ...rewrite import set_attribute
from ..form import Form, reads


@reads("BatchNormalization", versions=(1, 6, 7, 9, 14, 15))
def batch_normalization(form: Form) -> None:
    """BatchNormalization; the number of outputs once told training from inference."""
    if form.version >= 14:
        return
    inactive = form.take("is_test", 0)
    spatial = form.take("spatial", 1)
    outputs = form.node.outputs
    training = len(outputs) > 1 and not inactive
    if any(value.uses() or value.is_graph_output() for value in outputs[3 if training else 1 :]):
        raise ModelError(
            f"cannot read BatchNormalization {quoted(form.node.name or '')}: its saved mean or "
            "variance is read, which operator sets from 14 on do not have",
            help="export the model again, in inference mode",
        )
    form.node.resize_outputs(min(len(outputs), 3) if training else 1)
    if training:
        set_attribute(form.node, "training_mode", 1)
    elif not spatial:
        _normalize_each(form)


def _normalize_each(form: Form) -> None:
    """Write out the normalization of every element by statistics of its own (spatial=0)."""
    x, scale, bias, mean, variance = (form[index] for index in range(5))
    epsilon = form.like_input(attribute(form.node, "epsilon", 1e-5), "epsilon")
    deviation = form.add("Sqrt", [form.add("Add", [variance, epsilon])])
    normal = form.add("Div", [form.add("Sub", [x, mean]), deviation])
    form.replace(form.add("Add", [form.add("Mul", [normal, scale]), bias]))


@reads("GroupNormalization", versions=(18, 21))
def group_normalization(form: Form) -> None:
    """GroupNormalization; scale and bias had one element a group, and have one a channel."""
    if form.version >= 21:
        return
    channels = form.add("Shape", [form[0]], start=1, end=2, dtype=ir.DataType.INT64)
    groups = form.ints([attribute(form.node, "num_groups", 1)], "groups")
    each = form.add("Div", [channels, groups], dtype=ir.DataType.INT64)
    spread = form.add("Concat", [groups, each], axis=0, dtype=ir.DataType.INT64)
    column, flat = form.ints([-1, 1], "column"), form.ints([-1], "flat")
    for index in (1, 2):
        repeated = form.add("Expand", [form.add("Reshape", [form[index], column]), spread])
        form.give(index, form.add("Reshape", [repeated, flat]))
