"""ONNX element types and MindSpore's names for them."""

import onnx_ir as ir

from .code import Symbol, WeightSource
from .registry import CannotEmit

FLOAT32 = Symbol("ms.float32")
"""What every layer's parameters are unless it is told otherwise."""

NAMES = {
    ir.DataType.FLOAT: "float32",
    ir.DataType.FLOAT16: "float16",
    ir.DataType.BFLOAT16: "bfloat16",
    ir.DataType.DOUBLE: "float64",
    ir.DataType.INT8: "int8",
    ir.DataType.INT16: "int16",
    ir.DataType.INT32: "int32",
    ir.DataType.INT64: "int64",
    ir.DataType.UINT8: "uint8",
    ir.DataType.UINT16: "uint16",
    ir.DataType.UINT32: "uint32",
    ir.DataType.UINT64: "uint64",
    ir.DataType.BOOL: "bool",
    ir.DataType.COMPLEX64: "complex64",
    ir.DataType.COMPLEX128: "complex128",
}


def mindspore_dtype(dtype: ir.DataType | int) -> str:
    """Return `ms.float32` for FLOAT.

    Raises:
        CannotEmit: MindSpore has no such element type.
    """
    name = NAMES.get(ir.DataType(dtype))
    if name is None:
        raise CannotEmit(f"MindSpore has no element type {ir.DataType(dtype).name.lower()}")
    return f"ms.{'bool_' if name == 'bool' else name}"


def dtype_of(weight: WeightSource) -> Symbol:
    """Return the element type of a layer's weights as an argument of the layer."""
    return Symbol(mindspore_dtype(weight.dtype))
