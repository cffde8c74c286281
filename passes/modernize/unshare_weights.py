"""Weights that were stored once because they happened to be equal."""

import onnx_ir as ir

from ...compiler.ir.graph import is_constant
from ...compiler.ir.provenance import KEY, set_sources, sources_of
from ..base import graph_pass


@graph_pass(after=("lift_constants",))
def unshare_weights(graph: ir.Graph) -> int:
    """Make a weight of its own of each Identity of a weight, under the name of the Identity.

    torch's legacy exporter stores equal weights once (a fresh BatchNorm's bias and mean) and
    names the others by an Identity: they are not tied in PyTorch. The elements stay shared.
    """
    copied = 0
    for node in list(graph):
        source, result = node.inputs[0] if node.inputs else None, node.outputs[0]
        if node.domain or node.op_type != "Identity" or source is None or not is_constant(source):
            continue
        if result.is_graph_output() or source.graph is not graph:
            continue
        name = result.name or ""
        copy = ir.Value(
            name=name, shape=source.shape, type=source.type, const_value=source.const_value
        )
        copy.metadata_props.update(source.metadata_props)
        set_sources(copy, sources_of(source) or (source.name or "",))
        if KEY in source.metadata_props:
            copy.metadata_props[KEY] = name
        result.replace_all_uses_with(copy)
        graph.remove(node, safe=True)
        graph.register_initializer(copy)
        copied += 1
    return copied
