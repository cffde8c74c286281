"""Which element types MindSpore 2.10 has no kernel for on CPU, and what is computed instead."""

from collections.abc import Mapping

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN

INT8, INT16, INT32, INT64 = (ir.DataType[f"INT{bits}"] for bits in (8, 16, 32, 64))
UINT8, UINT16, UINT32, UINT64 = (ir.DataType[f"UINT{bits}"] for bits in (8, 16, 32, 64))
BOOL, FLOAT, DOUBLE = ir.DataType.BOOL, ir.DataType.FLOAT, ir.DataType.DOUBLE

Types = Mapping[ir.DataType, ir.DataType]

BFLOAT16 = ir.DataType.BFLOAT16
IN_BFLOAT16 = frozenset(
    (
        "Add",
        "Cast",
        "Concat",
        "Div",
        "Identity",
        "If",
        "Loop",
        "Mul",
        "Neg",
        "Scan",
        "Shape",
        "Size",
    )
)
"""What has a kernel for bfloat16 in both modes; the rest is computed in float32, and rounded.

In GRAPH not even Reshape and Transpose have one.
"""

SMALL: Types = {UINT16: INT32, UINT32: INT64}
WRAPPING: Types = {**SMALL, UINT64: INT64}
"""Sums, differences and products are the same modulo 2^64, whatever the sign bit means."""

REAL: Types = {
    INT8: DOUBLE,
    INT16: DOUBLE,
    INT32: DOUBLE,
    INT64: DOUBLE,
    UINT8: DOUBLE,
    UINT16: DOUBLE,
    UINT32: DOUBLE,
    UINT64: DOUBLE,
}
"""Roots and logarithms of integers are no integers: the result is cut off in any case."""

EXACT_REAL: Types = dict.fromkeys((INT8, INT16, INT32, UINT8, UINT16, UINT32), DOUBLE)

WIDER: Mapping[str, Types] = {
    "Clip": SMALL,
    "DepthToSpace": {BOOL: UINT8},
    "Gemm": WRAPPING,
    "MatMul": WRAPPING,
    "Max": {UINT16: INT32},
    "MaxPool": {INT8: FLOAT, UINT8: FLOAT},
    "Min": {UINT16: INT32},
    "Mod": SMALL,
    "ReduceL2": REAL,
    "ReduceLogSum": REAL,
    "ReduceLogSumExp": REAL,
    "Shrink": EXACT_REAL,
    "Sign": {INT8: INT32, INT16: INT32},
    "SpaceToDepth": {BOOL: UINT8},
    "Sub": {UINT32: INT64, UINT64: INT64},
    "TopK": SMALL,
}
"""By operator, the element type in which each that has no kernel is computed."""

FREE_OF_SIGN = frozenset(("Abs", "PRelu", "ReduceL1", "Sign"))
"""Operators that of unsigned integers are simpler ones."""


def wider_type(node: ir.Node, dtype: ir.DataType) -> ir.DataType | None:
    """Return in which element type an operator on one is computed; None if in its own."""
    if dtype == BFLOAT16 and node.domain in ("", DOMAIN):
        return None if node.op_type in IN_BFLOAT16 else FLOAT
    return None if node.domain else WIDER.get(node.op_type, {}).get(dtype)
