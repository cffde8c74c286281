"""A .safetensors file, written as a stream.

The library's own writer wants all tensors in memory at once.
"""

import json
from collections.abc import Iterable
from math import prod
from pathlib import Path

import onnx_ir as ir

from ..base import Weight
from .elements import elements, no_type

TYPES = {
    ir.DataType.UINT64: "U64",
    ir.DataType.INT64: "I64",
    ir.DataType.DOUBLE: "F64",
    ir.DataType.FLOAT: "F32",
    ir.DataType.UINT32: "U32",
    ir.DataType.INT32: "I32",
    ir.DataType.BFLOAT16: "BF16",
    ir.DataType.FLOAT16: "F16",
    ir.DataType.UINT16: "U16",
    ir.DataType.INT16: "I16",
    ir.DataType.INT8: "I8",
    ir.DataType.UINT8: "U8",
    ir.DataType.BOOL: "BOOL",
}
"""In the order of the file: wide ones first, so that every tensor is aligned."""


def write_safetensors(weights: Iterable[Weight], path: Path, *, framework: str = "ms") -> None:
    """Write a file that mindspore.load_checkpoint reads, one tensor in memory at a time.

    The bytes are those of safetensors.numpy.save_file, which MindSpore saves with.

    Args:
        weights: The parameters, in any order.
        path: A new file.
        framework: Whose tensors these are, for programs that ask: "ms" or "pt".

    Raises:
        OutputError: A weight is of a type that the format does not hold.
        OSError: The file cannot be written.
    """
    weights = list(weights)
    for weight in weights:
        if weight.dtype not in TYPES:
            raise no_type(weight, ".safetensors")
    rank = {dtype: index for index, dtype in enumerate(TYPES)}
    ordered = sorted(weights, key=lambda weight: (rank[weight.dtype], weight.name))
    header: dict[str, object] = {"__metadata__": {"format": framework}}
    end = 0
    for weight in ordered:
        start, end = end, end + prod(weight.shape) * weight.dtype.bitwidth // 8
        header[weight.name] = {
            "dtype": TYPES[weight.dtype],
            "shape": weight.shape,
            "data_offsets": (start, end),
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for weight in ordered:
            file.write(elements(weight))
