"""Which parameters of two checkpoints differ, told without reading a value as a number."""

import json
import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..ir.errors import ModelError, quoted
from ..ir.protobuf import LENGTH, WireError, fields

Print = tuple[str, int]
"""Shape and type as the file tells them, and a checksum of the elements."""


def differing(one: Path, other: Path) -> list[str]:
    """Return the names of the parameters that two files of one format do not both hold alike.

    Args:
        one: A .ckpt or .safetensors file.
        other: Another one.

    Raises:
        ModelError: A file is damaged or cannot be read.
    """
    prints, others = _prints(one), _prints(other)
    names = dict.fromkeys([*prints, *others])
    return [name for name in names if prints.get(name) != others.get(name)]


def _prints(path: Path) -> dict[str, list[Print]]:
    """Return what each parameter is; a .ckpt may hold a large one in several parts."""
    found: dict[str, list[Print]] = {}
    read = _safetensors if path.suffix == ".safetensors" else _checkpoint
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                return {}
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                for name, value in read(data):
                    found.setdefault(name, []).append(value)
    except (OSError, ValueError, KeyError, TypeError, WireError) as error:
        raise ModelError(
            f"cannot read the weights {quoted(str(path), 4096)}: {error}",
            help="name a folder that onnx2ms wrote, with its checkpoint",
        ) from error
    return found


def _safetensors(data: mmap.mmap) -> Iterator[tuple[str, Print]]:
    size = int.from_bytes(data[:8], "little")
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            yield name, (f"{entry['dtype']} {entry['shape']}", _sum(data, start, end))


def _checkpoint(data: mmap.mmap) -> Iterator[tuple[str, Print]]:
    """Yield the values of a message of repeated values: a tag and a tensor."""
    for value in fields(data, 0, len(data)):
        parts = {part.number: part for part in fields(data, value.content, value.end)}
        name = data[parts[1].content : parts[1].end].decode()
        head, elements = b"", parts[2]
        for part in fields(data, elements.content, elements.end):
            if part.number == 3 and part.kind == LENGTH:
                yield name, (head.hex(), _sum(data, part.content, part.end))
            else:
                head += data[part.start : part.end]


def _sum(data: mmap.mmap, start: int, end: int, step: int = 2**24) -> int:
    """Return the checksum of a part of a file, a piece of it in memory at a time."""
    total = 0
    for position in range(start, end, step):
        total = zlib.crc32(data[position : min(position + step, end)], total)
    return total
