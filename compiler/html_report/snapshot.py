"""The nodes of a graph as they stand, small enough to be kept beside the graph that they become."""

from collections.abc import Iterable
from dataclasses import dataclass

import onnx_ir as ir

from ..ir.errors import quoted
from ..ir.graph import operator
from ..ir.provenance import Scope, scope_of

LONGEST = 120
"""Characters of an attribute's value that are kept."""


@dataclass(frozen=True)
class NodeRow:
    """What the page tells of a node.

    Attributes:
        name: The node's name.
        operator: Its type, with a domain that is not ai.onnx.
        inputs: Names of the values that it reads; a missing one is left out.
        outputs: Names of the values that it makes.
        scope: The PyTorch modules around it, root first.
        attributes: Names and values, for people.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scope: Scope
    attributes: str


def snapshot(graph: ir.Graph) -> list[NodeRow]:
    """Return the nodes of a graph in their order; a body of control flow is an attribute."""
    return [
        NodeRow(
            name=node.name or "",
            operator=operator(node),
            inputs=tuple(_names(node.inputs)),
            outputs=tuple(_names(node.outputs)),
            scope=scope_of(node),
            attributes=", ".join(_attribute(a) for a in node.attributes.values()),
        )
        for node in graph
    ]


def _names(values: Iterable[ir.Value | None]) -> Iterable[str]:
    return (value.name for value in values if value is not None and value.name)


def _attribute(attribute: ir.Attr) -> str:
    """Return an attribute as text of bounded length; of a tensor, type and shape."""
    value = attribute.value
    if isinstance(value, ir.Graph):
        text = f"a graph of {len(value)} nodes"
    elif isinstance(value, ir.TensorProtocol):
        text = f"{value.dtype.name.lower()} {list(value.shape.numpy())}"
    else:
        text = str(value)
    return f"{attribute.name}={quoted(text, LONGEST)[1:-1]}"
