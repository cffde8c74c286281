"""Constants stand in one place."""

import numpy as np
import onnx_ir as ir

from ..base import graph_pass
from ..rewrite import add_initializer, set_inputs, tensor_of


@graph_pass(after=("modernize_operators",))
def lift_constants(graph: ir.Graph) -> int:
    """Make every Constant node an initializer of the same name."""
    lifted = 0
    for node in list(graph):
        if node.domain or node.op_type != "Constant":
            continue
        tensor = _tensor(node)
        if tensor is None:
            continue
        _lift(graph, node, tensor)
        lifted += 1
    return lifted


def _lift(graph: ir.Graph, node: ir.Node, tensor: ir.TensorProtocol) -> None:
    result = node.outputs[0]
    name = result.name or ""
    if result.is_graph_output():  # an initializer cannot be one under every runtime
        node.op_type = "Identity"
        node.attributes.clear()
        set_inputs(node, add_initializer(graph, f"{name}_value", tensor))
        return
    result.name = None
    constant = add_initializer(graph, name, tensor)
    constant.metadata_props.update(result.metadata_props)
    result.replace_all_uses_with(constant)
    graph.remove(node, safe=True)


def _tensor(node: ir.Node) -> ir.TensorProtocol | None:
    """Return what a Constant holds; None if that is sparse."""
    for attr in node.attributes.values():
        match attr.name:
            case "value":
                held: ir.TensorProtocol = attr.value
                return held
            case "value_int" | "value_ints":
                return tensor_of(np.asarray(attr.value, np.int64))
            case "value_float" | "value_floats":
                return tensor_of(np.asarray(attr.value, np.float32))
            case "value_string":
                return ir.StringTensor([attr.as_string().encode()], shape=ir.Shape([]))
            case "value_strings":
                strings = [item.encode() for item in attr.as_strings()]
                return ir.StringTensor(strings, shape=ir.Shape([len(strings)]))
            case _:
                continue
    return None
