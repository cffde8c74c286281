"""Slices of one element whose axis is taken away."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, integers, operand, rank_of, shape_of
from ...compiler.ir.provenance import inherit
from ..base import graph_pass
from ..rewrite import Names, Site, set_attribute, set_inputs


@graph_pass(after=("infer_shapes", "fold_constants"))
def pick_slice(graph: ir.Graph) -> int:
    """Replace a Squeeze of x[i:i+1], or of one of equal parts of size 1, by a Gather of index i.

    So are q, k and v picked that one layer computes (`qkv.unbind(0)`).
    """
    picked = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Squeeze":
            continue
        source = operand(node, 0)
        before = None if source is None else source.producer()
        if source is None or before is None or before.graph is not graph:
            continue
        place = _place(before, source)
        if place is None or _squeezed(node) != (place[0],):
            continue
        axis, index = place
        picked += 1
        inherit([node], [before, node])
        node.op_type = "Gather"
        node.attributes.clear()
        set_attribute(node, "axis", axis)
        site = Site(node, names)
        set_inputs(node, before.inputs[0], site.constant(index, "index", ir.DataType.INT64))
    return picked


def _squeezed(node: ir.Node) -> tuple[int, ...] | None:
    """Return the axes that a Squeeze takes away, counted from the front."""
    rank, axes = rank_of(operand(node, 0)), integers(operand(node, 1))
    return None if rank is None or axes is None else tuple(axis_of(axis, rank) for axis in axes)


def _place(node: ir.Node, value: ir.Value) -> tuple[int, int] | None:
    """Return axis and index of the only element of its axis that a node takes; None if of more."""
    if node.domain or node.op_type not in ("Slice", "Split"):
        return None
    rank, after, before = rank_of(value), value.shape, shape_of(operand(node, 0))
    if rank is None or after is None:
        return None
    if node.op_type == "Split":
        axis = axis_of(attribute(node, "axis", 0), rank)
        parts = [None if part.shape is None else part.shape[axis] for part in node.outputs]
        return (axis, value.index() or 0) if set(parts) == {1} else None
    starts, axes, steps = (integers(operand(node, index)) for index in (1, 3, 4))
    if starts is None or axes is None or len(axes) != 1 or steps not in (None, (1,)):
        return None
    axis, start = axis_of(axes[0], rank), starts[0]
    if after[axis] != 1 or (start < 0 and before is None):
        return None
    size = 0 if before is None else before[axis]
    start = start + size if start < 0 else start
    return (axis, start) if before is None or 0 <= start < size else None
