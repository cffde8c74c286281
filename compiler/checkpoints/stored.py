"""Tensors in files: .safetensors and MindSpore's .ckpt, read one at a time, without a framework."""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from ...emitters.mindspore import checkpoint, safetensors_file
from ..ir.errors import ModelError, quoted
from ..ir.graph import Array, numpy_type
from ..ir.protobuf import LENGTH, VARINT, WireError, fields, read_varint

CKPT_TYPES = {name: dtype for dtype, name in checkpoint.TYPES.items()}
SAFETENSORS_TYPES = {name: dtype for dtype, name in safetensors_file.TYPES.items()}


@dataclass(frozen=True)
class Stored:
    """A tensor in a file.

    Attributes:
        shape: Its shape.
        dtype: Name of its element type, as NumPy calls it.
        read: Reads the elements anew.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], Array] = field(repr=False, compare=False)


def read_safetensors(path: Path) -> dict[str, Stored]:
    """Return the tensors of a .safetensors file by name.

    Raises:
        ModelError: It is none, or it is damaged.
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > size - 8:
            raise damaged(path)
        head = file.read(length)
    try:
        content: dict[str, Any] = json.loads(head)
        content.pop("__metadata__", None)
        return {name: _part(path, entry, 8 + length, size) for name, entry in content.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path) from error


def read_ckpt(path: Path) -> dict[str, Stored]:
    """Return the tensors of a .ckpt file of MindSpore's by name.

    Raises:
        ModelError: It is none, or it is damaged.
        OSError: It cannot be read.
    """
    data = path.read_bytes()
    parts: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    kinds: dict[str, tuple[tuple[int, ...], ir.DataType]] = {}
    try:
        for value in fields(data, 0, len(data)):
            members = {f.number: f for f in fields(data, value.content, value.end)}
            name = data[members[1].content : members[1].end].decode()
            dims: list[int] = []
            for member in fields(data, members[2].content, members[2].end):
                if (member.number, member.kind) == (1, VARINT):
                    dims.append(read_varint(data, member.content, member.end)[0])
                elif (member.number, member.kind) == (2, LENGTH):
                    dtype = CKPT_TYPES[data[member.content : member.end].decode()]
                    kinds[name] = tuple(dims), dtype
                elif (member.number, member.kind) == (3, LENGTH):
                    parts[name].append((member.content, member.end))
        return {name: _joined(data, parts[name], *kind) for name, kind in kinds.items()}
    except (WireError, KeyError, ValueError) as error:
        raise damaged(path) from error


def damaged(path: Path) -> ModelError:
    """Return the error for a file that is not what its name says."""
    return ModelError(
        f"{quoted(str(path), 4096)} is damaged, or no {path.suffix} file",
        help="copy or download the file again",
    )


def _part(path: Path, entry: Mapping[str, Any], offset: int, size: int) -> Stored:
    """Return a tensor of a .safetensors file from its entry in the head."""
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    dtype = numpy_type(SAFETENSORS_TYPES[entry["dtype"]])
    sound = all(isinstance(n, int) and n >= 0 for n in (*shape, start, end))
    if not sound or end - start != math.prod(shape) * dtype.itemsize or offset + end > size:
        raise ValueError(entry)

    def read() -> Array:
        if not math.prod(shape):
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", offset + start, shape)

    return Stored(shape, dtype.name, read)


def _joined(
    data: bytes, parts: list[tuple[int, int]], shape: tuple[int, ...], dtype: ir.DataType
) -> Stored:
    """Return a tensor of a .ckpt file, large ones in several pieces."""
    kind = numpy_type(dtype)
    if sum(end - start for start, end in parts) != math.prod(shape) * kind.itemsize:
        raise ValueError(shape)

    def read() -> Array:
        content = b"".join(data[start:end] for start, end in parts)
        return np.frombuffer(content, kind).reshape(shape)

    return Stored(shape, kind.name, read)
