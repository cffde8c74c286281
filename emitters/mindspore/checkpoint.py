"""MindSpore's .ckpt, written as a stream and without MindSpore.

The file is a protobuf message of repeated values (mindspore/train/checkpoint.proto): a tag, the
parameter's name, and a tensor of dimensions, type and content.
"""

from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import IO

import onnx_ir as ir

from ...compiler.ir.errors import OutputError, quoted
from ...compiler.ir.protobuf import LENGTH, VARINT, delimited, tag, varint
from ..base import Weight
from .elements import elements, no_type

SLICE = 512 * 1024 * 1024
"""Bytes of one value, as in mindspore.save_checkpoint; longer tensors take several of the same
tag, one behind the other, since protobuf ends at 2 GiB."""

TYPES = {
    ir.DataType.FLOAT: "Float32",
    ir.DataType.FLOAT16: "Float16",
    ir.DataType.BFLOAT16: "BFloat16",
    ir.DataType.DOUBLE: "Float64",
    ir.DataType.INT8: "Int8",
    ir.DataType.INT16: "Int16",
    ir.DataType.INT32: "Int32",
    ir.DataType.INT64: "Int64",
    ir.DataType.UINT8: "UInt8",
    ir.DataType.UINT16: "UInt16",
    ir.DataType.UINT32: "UInt32",
    ir.DataType.UINT64: "UInt64",
    ir.DataType.BOOL: "Bool",
}


def write_checkpoint(weights: Iterable[Weight], path: Path) -> None:
    """Write a file that mindspore.load_checkpoint reads, one tensor in memory at a time.

    Args:
        weights: The parameters, in the order of the file.
        path: A new file.

    Raises:
        OutputError: A weight is empty or of a type that the format does not hold.
        OSError: The file cannot be written.
    """
    with path.open("wb") as file:
        for weight in weights:
            if weight.dtype not in TYPES:
                raise no_type(weight, ".ckpt")
            if not prod(weight.shape):
                raise OutputError(
                    f"the weight {quoted(weight.name)} of shape {weight.shape} has no elements,"
                    " which a .ckpt file cannot hold",
                    help="use --weights safetensors",
                )
            _write(file, weight)


def _write(file: IO[bytes], weight: Weight) -> None:
    content = elements(weight)
    for start in range(0, len(content), SLICE):
        part = content[start : start + SLICE]
        file.write(_head(weight, len(part)))
        file.write(part)


def _head(weight: Weight, size: int) -> bytes:
    """Return all of a value but its content, which is last in each message that holds it."""
    tensor = b"".join(
        (
            *(tag(1, VARINT) + varint(dim) for dim in weight.shape),
            delimited(2, TYPES[weight.dtype].encode()),
            tag(3, LENGTH) + varint(size),
        )
    )
    value = delimited(1, weight.name.encode()) + tag(2, LENGTH) + varint(len(tensor) + size)
    return tag(1, LENGTH) + varint(len(value) + len(tensor) + size) + value + tensor
