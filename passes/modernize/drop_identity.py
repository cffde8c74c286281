"""Nodes that only give a value another name."""

import onnx_ir as ir

from ..base import graph_pass


@graph_pass()
def drop_identity(graph: ir.Graph) -> int:
    """Let every reader of an Identity read its input instead.

    The legacy exporter of torch writes one between two weights that happen to be equal. A graph
    output keeps its Identity: its name is part of the model's signature.
    """
    dropped = 0
    for node in list(graph):
        if node.domain or node.op_type != "Identity" or node.outputs[0].is_graph_output():
            continue
        source = node.inputs[0]
        if source is None:
            continue
        node.outputs[0].replace_all_uses_with(source)
        graph.remove(node, safe=True)
        dropped += 1
    return dropped
