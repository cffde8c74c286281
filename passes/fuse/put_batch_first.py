"""Recurrent layers whose batch comes first."""

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, operand
from ...compiler.ir.recurrent import KINDS, TIME_FIRST
from ..base import graph_pass
from ..rewrite import bypass, set_attribute, set_inputs

SWAPPED: tuple[int, ...] = (1, 0, 2)


@graph_pass(after=("stack_recurrent",))
def put_batch_first(graph: ir.Graph) -> int:
    """Let a recurrent layer take and give (batch, time, …) where transposes around it do so."""
    changed = 0
    for node in list(graph):
        recurrent = node.domain == DOMAIN and node.op_type.rstrip("0123456789") in KINDS
        if not recurrent or attribute(node, "order", TIME_FIRST) == SWAPPED:
            continue
        result, source = node.outputs[0], operand(node, 0)
        before = source.producer() if source is not None else None
        after = [use.node for use in result.uses()]
        if before is None or not _swaps(before) or not all(map(_swaps, after)):
            continue
        if result.is_graph_output():
            continue
        set_attribute(node, "order", SWAPPED)
        set_inputs(node, before.inputs[0], *node.inputs[1:])
        if result.shape is not None:
            result.shape = ir.Shape([result.shape[axis] for axis in SWAPPED])
        for reader in after:
            bypass(reader)
        if not before.outputs[0].uses() and not before.outputs[0].is_graph_output():
            graph.remove(before, safe=True)
        changed += 1
    return changed


def _swaps(node: ir.Node) -> bool:
    """Tell whether a node exchanges the first two of three axes."""
    swaps = not node.domain and node.op_type == "Transpose"
    return swaps and attribute(node, "perm", TIME_FIRST) == SWAPPED
