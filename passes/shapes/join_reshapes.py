"""Reshapes of what was reshaped before."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, integers, operand
from ...compiler.ir.provenance import inherit
from ..base import graph_pass

RESHAPES = frozenset(("Reshape", "Flatten", "Squeeze", "Unsqueeze"))
"""Operators that give the same elements another shape."""


@graph_pass(after=("infer_shapes",))
def join_reshapes(graph: ir.Graph) -> int:
    """Let a Reshape to a known shape read what was there before another reshape."""
    joined = 0
    for node in graph:
        if node.domain or node.op_type != "Reshape" or not _is_absolute(node):
            continue
        while (before := _reshape_before(node)) is not None:
            inherit([node], [before, node])
            node.replace_input_with(0, before.inputs[0])
            graph.remove(before, safe=True)
            joined += 1
    return joined


def _reshape_before(node: ir.Node) -> ir.Node | None:
    """Return what reshapes the input for this node alone."""
    source = operand(node, 0)
    before = None if source is None else source.producer()
    if source is None or before is None or before.domain or before.op_type not in RESHAPES:
        return None
    alone = len(source.uses()) == 1 and not source.is_graph_output()
    return before if alone and before.graph is node.graph else None


def _is_absolute(node: ir.Node) -> bool:
    """Tell whether the shape does not depend on that of the first input."""
    shape = integers(operand(node, 1))
    return shape is not None and (0 not in shape or attribute(node, "allowzero", 0) == 1)
