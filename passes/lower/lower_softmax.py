"""Softmax of rows that may be masked as a whole."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, constant, operand, rank_of
from ..base import graph_pass
from ..rewrite import Names, Site

CARRIERS = frozenset(
    [
        *("Add", "Cast", "Clip", "Concat", "Expand", "Identity", "Mul", "Pad", "Reshape", "Slice"),
        *("Squeeze", "Tile", "Transpose", "Unsqueeze", "Where"),
    ]
)
"""Operators through which a mask of -inf comes to the scores."""

DEEPEST = 8
"""So many of them are followed back."""


@graph_pass(after=("infer_shapes",))
def lower_softmax(graph: ir.Graph) -> int:
    """Write Softmax over the last axis as e^LogSoftmax where a whole row may be -inf.

    MindSpore 2.10 on CPU: behind a row of nothing but -inf ops.softmax makes 0 of all that follows,
    in float32 and both modes; ops.log_softmax is right.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Softmax":
            continue
        rank, source = rank_of(operand(node, 0)), operand(node, 0)
        axis = attribute(node, "axis", -1)
        last = axis == -1 or (rank is not None and axis_of(axis, rank) == rank - 1)
        if last and source is not None and _may_be_masked(source, DEEPEST):
            site = Site(node, names)
            logs = site.add("LogSoftmax", [source], axis=-1, dtype=source.dtype)
            site.replace(site.add("Exp", [logs], dtype=source.dtype))
            lowered += 1
    return lowered


def _may_be_masked(value: ir.Value, depth: int) -> bool:
    """Tell whether a constant of -inf, a row of it if it has any finite ones, reaches a value."""
    array = constant(value)
    if array is not None:
        if array.dtype.kind != "f" or not array.size:
            return False
        infinite = np.isneginf(array.astype(np.float64))
        return bool(np.any(np.all(infinite, axis=-1) if infinite.ndim else infinite))
    producer = value.producer()
    if producer is None or depth == 0 or producer.op_type not in CARRIERS:
        return False
    operands = [item for item in producer.inputs if item is not None]
    return any(_may_be_masked(item, depth - 1) for item in operands)
