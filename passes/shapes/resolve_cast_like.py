"""Casts to a type that is known."""

import onnx_ir as ir

from ...compiler.ir.graph import operand
from ..base import graph_pass
from ..rewrite import set_attribute, set_inputs


@graph_pass(after=("infer_shapes",))
def resolve_cast_like(graph: ir.Graph) -> int:
    """Replace CastLike(x, y) by a Cast to the element type of y, which need not be computed."""
    resolved = 0
    for node in graph:
        like = operand(node, 1)
        if node.domain or node.op_type != "CastLike" or like is None or like.dtype is None:
            continue
        node.op_type = "Cast"
        set_attribute(node, "to", like.dtype.value)
        set_inputs(node, node.inputs[0])
        resolved += 1
    return resolved
