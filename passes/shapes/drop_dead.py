"""What nobody reads."""

import onnx
import onnx_ir as ir

from ...compiler.ir.dialect import OPSET
from ...compiler.ir.graph import attribute
from ..base import graph_pass
from ..bodies import release


@graph_pass()
def drop_dead(graph: ir.Graph) -> int:
    """Remove nodes, optional outputs and constants that nothing reads.

    The inputs and outputs of the graph are its signature and stay.
    """
    dropped = 0
    for node in reversed(graph):
        if not any(value.is_graph_output() or value.uses() for value in node.outputs):
            release(node)
            graph.remove(node, safe=True)
            dropped += 1
        else:
            dropped += _drop_outputs(node)
    for value in list(graph.initializers.values()):
        if not (value.uses() or value.is_graph_output() or value.is_graph_input()):
            del graph.initializers[value.name or ""]
            dropped += 1
    return dropped


def _drop_outputs(node: ir.Node) -> int:
    """Cut unread optional outputs off the end: a mask of Dropout, indices of MaxPool."""
    if len(node.outputs) < 2 or node.domain or not onnx.defs.has(node.op_type, OPSET):
        return 0
    if attribute(node, "training_mode", 0):  # BatchNormalization must then have all three
        return 0
    formal = onnx.defs.get_schema(node.op_type, OPSET).outputs
    count = len(node.outputs)
    while 1 < count <= len(formal):
        value, option = node.outputs[count - 1], formal[count - 1].option
        if option != onnx.defs.OpSchema.FormalParameterOption.Optional:
            break
        if value.uses() or value.is_graph_output():
            break
        count -= 1
    dropped = len(node.outputs) - count
    if dropped:
        node.resize_outputs(count)
    return dropped
