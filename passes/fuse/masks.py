"""What a bias that is added to the scores of attention keeps queries from."""

import math

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import Array, constant, is_constant, operand, scalar, shape_of

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
    if is_constant(bias):
        shape = shape_of(bias)
        if not shape or 0 in shape or math.prod(shape) > LARGEST:
            return False
        array = constant(bias)
        return array is not None and bool(np.isfinite(array.max(axis=-1)).all())
    node = bias.producer()
    if node is None or node.op_type != "Where" or node.domain:
        return False
    return all(_is_all_finite(operand(node, index)) for index in (1, 2))


def _is_all_finite(value: ir.Value | None) -> bool:
    shape = shape_of(value)
    if not is_constant(value) or shape is None or math.prod(shape) > LARGEST:
        return False
    array = constant(value)
    return array is not None and bool(np.isfinite(array).all())


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
