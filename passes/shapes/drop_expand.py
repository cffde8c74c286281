"""Broadcasts that the operators behind them do anyway."""

import onnx_ir as ir

from ...compiler.ir.graph import rank_of
from ..base import graph_pass

BROADCASTING = frozenset(
    (
        *("Add", "Sub", "Mul", "Div", "Pow", "Mod", "PRelu", "Where", "Max", "Min", "Sum", "Mean"),
        *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor"),
        *("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift"),
    )
)
"""Operators that broadcast all of their inputs against each other, as NumPy does. PRelu does so
one way only, and gives its first input's shape."""


@graph_pass(after=("infer_shapes",))
def drop_expand(graph: ir.Graph) -> int:
    """Let an operator that broadcasts its inputs read what an Expand has broadcast before it.

    It must have another input of at least the Expand's result in every dimension, so that its own
    result keeps its shape. `torch.nn.functional.normalize` is exported so.
    """
    dropped = 0
    for node in list(graph):
        if node.domain or node.op_type != "Expand" or node.outputs[0].is_graph_output():
            continue
        source, result = node.inputs[0], node.outputs[0]
        uses = list(result.uses())
        if source is None or not uses or not all(_broadcasts(*use, result) for use in uses):
            continue
        result.replace_all_uses_with(source)
        graph.remove(node, safe=True)
        dropped += 1
    return dropped


def _broadcasts(reader: ir.Node, index: int, expanded: ir.Value) -> bool:
    """Tell whether a reader's result has the same shape without the Expand."""
    if reader.domain or reader.op_type not in BROADCASTING:
        return False
    if reader.op_type == "PRelu" and index == 0:
        return False
    others = [value for value in reader.inputs if value is not None and value is not expanded]
    return any(_covers(other, expanded) for other in others)


def _covers(other: ir.Value, expanded: ir.Value) -> bool:
    """Tell whether a value has, in every dimension of another one, the same known size."""
    rank = rank_of(expanded)
    if other.shape is None or expanded.shape is None or rank is None or len(other.shape) < rank:
        return False
    tail = list(other.shape)[len(other.shape) - rank :]
    return all(_same(a, b) for a, b in zip(tail, expanded.shape, strict=True))


def _same(one: int | ir.SymbolicDim, other: int | ir.SymbolicDim) -> bool:
    if isinstance(one, int) or isinstance(other, int):
        return one == other
    return one.value is not None and one.value == other.value
