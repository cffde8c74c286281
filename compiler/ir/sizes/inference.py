"""Sizes in a graph: which are open, what is written into it of them."""

import json

import onnx_ir as ir

from ..dim_values import substitute
from ..dims import Size
from ..provenance import FIXED
from . import computing, layout, own
from .analysis import Sizes, resolve, stored, written


def is_open(graph: ir.Graph) -> bool:
    """Tell whether some dimension in a graph is no number."""
    outputs = (value for node in graph for value in node.outputs)
    return any(map(_is_open, graph.inputs)) or any(map(_is_open, outputs))


def _is_open(value: ir.Value) -> bool:
    return value.shape is None or not all(isinstance(dim, int) for dim in value.shape)


def analyse(graph: ir.Graph) -> Sizes:
    """Return the sizes in a graph."""
    assert all((computing, layout, own)), "importing the rules fills their table"
    return Sizes(graph)


def write_sizes(graph: ir.Graph) -> int:
    """Write the shapes that are found as expressions into a graph; return how many changed.

    Symbols that must be the same, for some node's demand, become one; a symbol that must be a
    number becomes that number, in the inputs too. Sizes that depend on data stay open.
    """
    sizes = analyse(graph)
    values, _ = resolve(sizes.demands)
    _note_fixed(graph, values)
    changed = 0
    for value in (*graph.inputs, *(output for node in graph for output in node.outputs)):
        shape = sizes.shape(value)
        if shape is not None:
            found = [substitute(size, values) for size in shape]
            changed += _write(value, tuple(size if sizes.tells(size) else None for size in found))
    return changed


def _write(value: ir.Value, wanted: tuple[Size | None, ...]) -> bool:
    """Give a value a shape; tell whether that says more than before."""
    if stored(value) == wanted:
        return False
    value.shape = written(wanted)
    return True


def _note_fixed(graph: ir.Graph, values: dict[str, Size]) -> None:
    """Note in the graph which symbols of its inputs must be which number."""
    known: dict[str, int] = json.loads(graph.metadata_props.get(FIXED, "{}"))
    known |= {name: size for name, size in values.items() if isinstance(size, int)}
    if known:
        graph.metadata_props[FIXED] = json.dumps(known)
