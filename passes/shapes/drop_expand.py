"""Broadcasts that the operators behind them do anyway."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.dims import Size
from ...compiler.ir.sizes.analysis import Dims, known_shape
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

    Its own result must keep its shape, for what the other inputs have in every dimension.
    `torch.nn.functional.normalize` is exported so.
    """
    dropped = 0
    for node in list(graph):
        if node.domain or node.op_type != "Expand" or node.outputs[0].is_graph_output():
            continue
        source, result = node.inputs[0], node.outputs[0]
        uses = list(result.uses())
        if source is None or not uses or not all(_broadcasts(*use, result, source) for use in uses):
            continue
        result.replace_all_uses_with(source)
        graph.remove(node, safe=True)
        dropped += 1
    return dropped


def _broadcasts(reader: ir.Node, index: int, expanded: ir.Value, source: ir.Value) -> bool:
    """Tell whether a reader's result has the same shape without the Expand."""
    if reader.domain or reader.op_type not in BROADCASTING:
        return False
    if reader.op_type == "PRelu" and index == 0:
        return False
    given = [source if value is expanded else value for value in reader.inputs]
    shapes = [known_shape(value) for value in given if value is not None]
    result = known_shape(reader.outputs[0])
    known = [shape for shape in shapes if shape is not None]
    return result is not None and len(known) == len(shapes) and _joined(known) == result


def _joined(shapes: Sequence[Dims]) -> Dims | None:
    """Return the shape of tensors broadcast against each other, if their sizes tell it."""
    sizes: list[Size] = []
    for axis in range(-max(map(len, shapes)), 0):
        others = {shape[axis] for shape in shapes if -axis <= len(shape)} - {1}
        if len(others) > 1:
            return None
        sizes.append(next(iter(others), 1))
    return tuple(sizes)
