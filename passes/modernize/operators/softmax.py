"""Softmax and its like."""

from ....compiler.ir.graph import attribute, axis_of, rank_of, shape_of
from ...rewrite import set_attribute
from ..form import Form, reads


@reads("Softmax", "LogSoftmax", "Hardmax", versions=(1, 11, 13))
def softmax(form: Form) -> None:
    """Softmax, LogSoftmax and Hardmax; they once took all axes from `axis` on as one."""
    if form.version >= 13:
        return
    axis = attribute(form.node, "axis", 1)
    rank, shape = rank_of(form[0]), shape_of(form[0])
    if rank is not None:
        axis = axis_of(axis, rank)
    if axis == -1 or (rank is not None and axis == rank - 1):
        set_attribute(form.node, "axis", -1)
    elif shape is not None and all(size == 1 for size in shape[axis + 1 :]):
        set_attribute(form.node, "axis", axis)
    else:
        source, op_type = form[0], form.node.op_type
        dtype = source.dtype if source is not None else None
        flat = form.add("Flatten", [source], axis=axis, dtype=dtype)
        result = form.add(op_type, [flat], axis=-1, dtype=dtype)
        form.replace(form.add("Reshape", [result, form.add("Shape", [source])]))
