"""Parameters of PyTorch's that a network reads in part: they learn only if it goes on to do so."""

import onnx_ir as ir

from ...compiler.ir.graph import bodies
from ...compiler.ir.provenance import KEY
from .splat import VIEWS

CUTS = ("Gather", "Slice", "Expand")
"""Rows of a table of positions, the first of them, a class token for each image of the batch."""


def parameter_parts(graph: ir.Graph) -> set[ir.Node]:
    """Return the nodes that take a part of a parameter, or repeat it, for data to be joined with.

    Folded they would be a constant that is no parameter. Not so where the parts only make another
    constant, as the exporter's order of the gates of an LSTM: that is folded, key and all.
    """
    live = {value for value in graph.inputs if not value.is_initializer()}
    candidates: list[ir.Node] = []
    for node in graph:
        read = [value for value in node.inputs if value is not None]
        if list(bodies(node)) or not live.isdisjoint(read):
            live.update(node.outputs)
        elif not node.domain and node.op_type in CUTS and _is_parameter(node.inputs[0]):
            candidates.append(node)
    return {node for node in candidates if _reaches(node.outputs[0], live, node.op_type)}


def _is_parameter(value: ir.Value | None) -> bool:
    """Tell whether a value is a float weight of PyTorch's, its elements moved at most."""
    while value is not None and (producer := value.producer()) is not None:
        if producer.domain or producer.op_type not in VIEWS:
            return False
        value = producer.inputs[0]
    if value is None or KEY not in value.metadata_props:
        return False
    return value.dtype is not None and value.dtype.is_floating_point()


def _reaches(value: ir.Value, live: set[ir.Value], operator: str) -> bool:
    """Tell whether data meets a value, seen differently at most.

    A Slice that is transposed is a part of a packed matrix, as that of nn.MultiheadAttention for
    the queries, and makes a layer of its own.
    """
    views = [view for view in VIEWS if (operator, view) != ("Slice", "Transpose")]
    return any(
        not live.isdisjoint(reader.outputs)
        or (reader.op_type in views and _reaches(reader.outputs[0], live, operator))
        for reader in value.consumers()
    )
