"""Expands before operators that broadcast anyway."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import operand, shape_of
from ..base import graph_pass
from ..rewrite import bypass

BROADCASTING = frozenset(
    (
        *("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Where", "Equal", "Greater", "GreaterOrEqual"),
        *("Less", "LessOrEqual", "And", "Or", "Xor", "Max", "Min"),
    )
)


@graph_pass(after=("infer_shapes",))
def drop_expand(graph: ir.Graph) -> int:
    """Let readers that broadcast their operands to the same shape anyway pass over an Expand."""
    dropped = 0
    for node in list(graph):
        if node.domain or node.op_type != "Expand" or node.outputs[0].is_graph_output():
            continue
        if node.outputs[0].uses() and all(
            _broadcasts(reader, node) for reader in node.outputs[0].consumers()
        ):
            bypass(node)
            dropped += 1
    return dropped


def _broadcasts(reader: ir.Node, expand: ir.Node) -> bool:
    """Tell whether an operator makes the same shape of what is not expanded."""
    if reader.domain or reader.op_type not in BROADCASTING:
        return False
    before = operand(expand, 0)
    sources = [before if value is expand.outputs[0] else value for value in reader.inputs]
    shapes = [shape for value in sources if (shape := shape_of(value)) is not None]
    after = shape_of(reader.outputs[0])
    return (
        after is not None and len(shapes) == len(sources) and np.broadcast_shapes(*shapes) == after
    )
