"""Transposes of what was transposed before, and of axes of one element that come and go."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, integers, operand, rank_of
from ...compiler.ir.provenance import inherit
from ..base import graph_pass
from ..rewrite import only_source, set_attribute, set_inputs


@graph_pass(after=("infer_shapes", "fold_constants"))
def join_transposes(graph: ir.Graph) -> int:
    """Make one Transpose of two, and of one whose new axis of one element is taken away again.

    nn.MultiheadAttention puts an axis in front of q, k and v and takes it away behind.
    """
    joined = 0
    for node in list(graph):
        if node.domain:
            continue
        if node.op_type == "Transpose":
            joined += _join(node)
        elif node.op_type == "Squeeze":
            joined += _drop_axes(node)
    return joined


def _perm(node: ir.Node) -> tuple[int, ...]:
    return attribute(node, "perm", ())


def _join(node: ir.Node) -> bool:
    """Let a Transpose do what the one before it does."""
    before = only_source(node, "Transpose")
    if before is None or not _perm(before) or not _perm(node):
        return False
    inherit([node], [before, node])
    set_attribute(node, "perm", [_perm(before)[axis] for axis in _perm(node)])
    set_inputs(node, before.inputs[0])
    _remove(before)
    return True


def _drop_axes(node: ir.Node) -> bool:
    """Replace Unsqueeze, Transpose, Squeeze of the same axes by a Transpose."""
    transpose = only_source(node, "Transpose")
    unsqueeze = None if transpose is None else only_source(transpose, "Unsqueeze")
    if transpose is None or unsqueeze is None:
        return False
    rank, perm = rank_of(unsqueeze.outputs[0]), _perm(transpose)
    put, taken = integers(operand(unsqueeze, 1)), integers(operand(node, 1))
    if rank is None or not perm or put is None or taken is None:
        return False
    new = {axis_of(axis, rank) for axis in put}
    if {perm[axis_of(axis, rank)] for axis in taken} != new:
        return False
    old = [axis for axis in range(rank) if axis not in new]
    inherit([node], [unsqueeze, transpose, node])
    node.op_type = "Transpose"
    node.attributes.clear()
    set_attribute(node, "perm", [old.index(axis) for axis in perm if axis not in new])
    set_inputs(node, unsqueeze.inputs[0])
    _remove(transpose)
    _remove(unsqueeze)
    return True


def _remove(node: ir.Node) -> None:
    assert node.graph is not None, "it is a source in the same graph"
    node.graph.remove(node, safe=True)
