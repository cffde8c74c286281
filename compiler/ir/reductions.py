"""What reductions are of no elements."""

import math

import onnx_ir as ir

SUMS = ("ReduceSum", "ReduceL1", "ReduceL2", "ReduceSumSquare")
LOGS = ("ReduceLogSum", "ReduceLogSumExp")


def of_nothing(op_type: str, dtype: ir.DataType) -> float | int | None:
    """Return what a reduction makes of no elements; None of what is no reduction."""
    if op_type in SUMS:
        return 0
    if op_type in LOGS:
        return -math.inf
    if op_type == "ReduceProd":
        return 1
    if op_type == "ReduceMean":
        return math.nan if dtype.is_floating_point() else 0
    if op_type not in ("ReduceMax", "ReduceMin"):
        return None
    sign = -1 if op_type == "ReduceMax" else 1
    if dtype.is_floating_point():
        return sign * math.inf
    if dtype == ir.DataType.BOOL:
        return int(sign > 0)
    return int(dtype.max if sign > 0 else dtype.min)


def neutral(op_type: str, dtype: ir.DataType) -> float | int | None:
    """Return an element that a reduction makes the same of as of none."""
    return 0 if op_type == "ReduceLogSum" else of_nothing(op_type, dtype)
