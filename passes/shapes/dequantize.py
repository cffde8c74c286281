"""Integers that stand for real numbers, computed with NumPy."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ...compiler.ir.evaluate import Operands, evaluates
from ...compiler.ir.graph import Array, attribute, axis_of, numpy_type


@evaluates("DequantizeLinear")
def _dequantize(node: ir.Node, operands: Operands) -> Array:
    """Return (x - zero point) * scale, by one scale, one a slice of an axis, or one a block."""
    x, scale = (operand for operand in operands[:2] if operand is not None)
    zero = operands[2] if len(operands) > 2 else None
    dtype = numpy_type(ir.DataType(attribute(node, "output_dtype", 0) or ir.DataType.FLOAT))
    if not attribute(node, "output_dtype", 0):
        dtype = scale.dtype
    whole = x.dtype.kind in "iu" or "int" in x.dtype.name
    values: npt.NDArray[Any] = x.astype(np.int64 if whole else np.float32)
    if zero is not None:
        values = values - _spread(node, zero.astype(values.dtype), x.shape)
    return np.asarray(
        values.astype(np.float32) * _spread(node, scale.astype(np.float32), x.shape), dtype
    )


def _spread(node: ir.Node, parameter: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return a scale or zero point so that it broadcasts against what it scales."""
    if parameter.size == 1 and not attribute(node, "block_size", 0):
        return parameter.reshape(())
    axis = axis_of(attribute(node, "axis", 1), len(shape))
    block = attribute(node, "block_size", 0)
    if block:
        spread = np.repeat(parameter, block, axis)
        return np.asarray(np.take(spread, range(shape[axis]), axis))
    return parameter.reshape([-1 if i == axis else 1 for i in range(len(shape))])
