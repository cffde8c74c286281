"""Reshapes that are a Flatten."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, integers, operand, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import set_attribute, set_inputs


@graph_pass(after=("infer_shapes", "fold_constants"))
def fuse_flatten(graph: ir.Graph) -> int:
    """Replace a Reshape of (n, c, h, w) to (n, c * h * w) by Flatten.

    So it is said without numbers, and holds for any batch.
    """
    fused = 0
    for node in graph:
        if node.domain or node.op_type != "Reshape" or not _flattens(node):
            continue
        node.op_type = "Flatten"
        node.attributes.clear()
        set_attribute(node, "axis", 1)
        set_inputs(node, node.inputs[0])
        fused += 1
    return fused


def _flattens(node: ir.Node) -> bool:
    """Tell whether all axes but the first, and more than one, become one."""
    source, rank = operand(node, 0), rank_of(operand(node, 0))
    if rank is None or rank < 3:
        return False
    before, after = shape_of(source), shape_of(node.outputs[0])
    if before is not None and after is not None:
        return len(after) == 2 and after[0] == before[0]
    # of an unknown shape: 0 copies the first dimension, -1 takes the rest
    return integers(operand(node, 1)) == (0, -1) and not attribute(node, "allowzero", 0)
