"""What a bias that is added to the scores of attention keeps queries from."""

import math

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import Array, constant, operand, scalar, shape_of, small_constant

LARGEST = 2**24
"""Most elements of a constant mask that is looked at."""

HIDDEN = -1e30
"""What is added to a score so that, whatever the score is, its weight is 0 in float32."""


def unspread(mask: ir.Value) -> ir.Value:
    """Return a mask as it was before it was broadcast: attention does so anyway."""
    node = mask.producer()
    if node is None or node.op_type != "Expand" or node.domain or node.inputs[0] is None:
        return mask
    return node.inputs[0]


def seen(bias: ir.Value) -> ir.Value | None:
    """Return which keys each query sees, where a bias is 0 for these and -inf for the others."""
    node = bias.producer()
    if node is None or node.op_type != "Where" or node.domain:
        return None
    if scalar(operand(node, 1)) == 0 and scalar(operand(node, 2)) == -math.inf:
        return operand(node, 0)
    return None


def is_finite(bias: ir.Value) -> bool:
    """Tell whether a bias surely leaves every query a key: not all of a row is -inf."""
    return _exceeds(bias, -math.inf)


def leaves_keys(bias: ir.Value) -> bool:
    """Tell whether every query surely has a key that Attention of onnxruntime 1.31 sees.

    There the lowest finite number hides a key as -inf does; as ONNX defines it, a query that has
    nothing else sees all keys alike.
    """
    return bias.dtype is not None and _exceeds(bias, float(bias.dtype.min))


def _exceeds(bias: ir.Value, bound: float) -> bool:
    """Tell whether the largest number of each row surely is finite, and above a bound."""
    node = bias.producer()
    rows = [small_constant(bias, LARGEST)]
    if node is not None and node.op_type == "Where" and not node.domain:
        rows = [_rows(small_constant(operand(node, index), LARGEST)) for index in (1, 2)]
    return all(_is_above(row, bound) for row in rows)


def _rows(choice: Array | None) -> Array | None:
    """Return each number as a row of its own: of a choice, any may be all that a row has."""
    return None if choice is None else choice.reshape(-1, 1)


def _is_above(rows: Array | None, bound: float) -> bool:
    if rows is None or not rows.ndim or not rows.size:
        return False
    most = rows.max(axis=-1)
    return bool((np.isfinite(most) & (most > bound)).all())


def is_causal(bias: ir.Value) -> bool:
    """Tell whether a constant keeps each query from the keys behind it, and does nothing else."""
    shape = shape_of(bias)
    if shape is None or len(shape) < 2 or shape[-1] != shape[-2] or math.prod(shape) > LARGEST:
        return False
    array = constant(bias)
    if array is None or math.prod(shape[:-2]) != 1:
        return False
    matrix: Array = array.reshape(shape[-2:])
    below = np.tri(shape[-1], dtype=bool)
    return bool(np.all(np.equal(matrix[below], 0)) and np.all(np.less(matrix[~below], HIDDEN)))
