"""Parts that are picked after a Transpose has brought their axis to the front."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, is_constant, operand, rank_of
from ...compiler.ir.provenance import inherit
from ..base import graph_pass
from ..rewrite import set_attribute


@graph_pass(after=("pick_slice",))
def pick_before_transpose(graph: ir.Graph) -> int:
    """Pick parts along the axis where they are, if the Transpose before does nothing else."""
    picked = 0
    for node in list(graph):
        if node.domain or node.op_type != "Transpose" or node.inputs[0] is None:
            continue
        perm: tuple[int, ...] = attribute(node, "perm", ())
        readers = list(node.outputs[0].consumers())
        if not readers or node.outputs[0].is_graph_output() or not perm:
            continue
        axes = [_axis(reader, node, len(perm)) for reader in readers]
        if any(axis is None or not _keeps_order(perm, axis) for axis in axes):
            continue
        for reader, axis in zip(readers, axes, strict=True):
            assert axis is not None, "none is left out"
            inherit([reader], [node, reader])
            reader.replace_input_with(0, node.inputs[0])
            set_attribute(reader, "axis", perm[axis])
            picked += 1
        graph.remove(node, safe=True)
    return picked


def _axis(reader: ir.Node, node: ir.Node, rank: int) -> int | None:
    """Return the axis along which a reader picks one constant index; None if it does not."""
    if reader.domain or reader.op_type != "Gather" or reader.graph is not node.graph:
        return None
    index = operand(reader, 1)
    if operand(reader, 0) is not node.outputs[0] or not is_constant(index) or rank_of(index) != 0:
        return None
    return axis_of(attribute(reader, "axis", 0), rank)


def _keeps_order(perm: tuple[int, ...], axis: int) -> bool:
    rest = [place for i, place in enumerate(perm) if i != axis]
    return rest == sorted(rest)
