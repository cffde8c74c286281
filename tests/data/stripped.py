"""A model without what tells of PyTorch's modules: names of nodes and values, metadata."""

from collections.abc import Iterable

import onnx


def strip(model: onnx.ModelProto) -> None:
    """Take names and metadata out of a model; inputs and outputs keep their names."""
    graph = model.graph
    del graph.metadata_props[:], graph.value_info[:]
    model.producer_name = ""
    names = {"": ""} | {value.name: value.name for value in (*graph.input, *graph.output)}
    for tensor in graph.initializer:
        tensor.name = names.setdefault(tensor.name, f"w{len(names)}")
    strip_nodes(graph.node, names)


def strip_nodes(nodes: Iterable[onnx.NodeProto], names: dict[str, str]) -> None:
    """Give nodes and what they make names that tell nothing, in subgraphs too."""
    for node in nodes:
        node.name = ""
        del node.metadata_props[:]
        for values in (node.input, node.output):
            for i, value in enumerate(values):
                values[i] = names.setdefault(value, f"v{len(names)}")
        for attribute in node.attribute:
            inner = attribute.g
            for value in (*inner.input, *inner.initializer):
                value.name = names.setdefault(value.name, f"v{len(names)}")
            strip_nodes(inner.node, names)
            for value in inner.output:
                value.name = names.setdefault(value.name, f"v{len(names)}")
