"""Reductions over no elements."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site, set_inputs

SUMS = ("ReduceSum", "ReduceL1", "ReduceL2", "ReduceSumSquare")
LOGS = ("ReduceLogSum", "ReduceLogSumExp")


@graph_pass(after=("infer_shapes",))
def lower_empty_reduction(graph: ir.Graph) -> int:
    """Replace a reduction over an empty axis by what it is: 0 for a sum, 1 for a product.

    MindSpore 2.10 returns what lay in memory, silently, in both modes.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        before, after = shape_of(operand(node, 0)), shape_of(node.outputs[0])
        neutral = _neutral(node)
        if node.domain or neutral is None or before is None or after is None:
            continue
        if 0 not in before or 0 in after:
            continue
        dtype = node.outputs[0].dtype or ir.DataType.FLOAT
        constant = Site(node, names).constant(np.full(after, neutral), "empty", dtype)
        node.op_type = "Identity"
        node.attributes.clear()
        set_inputs(node, constant)
        lowered += 1
    return lowered


def _neutral(node: ir.Node) -> float | int | None:
    """Return what a reduction makes of no elements."""
    dtype = node.outputs[0].dtype or ir.DataType.FLOAT
    if node.op_type in SUMS:
        return 0
    if node.op_type in LOGS:
        return -np.inf
    if node.op_type == "ReduceProd":
        return 1
    if node.op_type == "ReduceMean":
        return np.nan if dtype.is_floating_point() else 0
    if node.op_type not in ("ReduceMax", "ReduceMin"):
        return None
    sign = -1 if node.op_type == "ReduceMax" else 1
    if dtype.is_floating_point():
        return sign * np.inf
    if dtype == ir.DataType.BOOL:
        return int(sign > 0)
    return int(dtype.max if sign > 0 else dtype.min)
