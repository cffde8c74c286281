"""Messages in the protobuf wire format, read and written without a schema.

See protobuf.dev/programming-guides/encoding.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Buffer: TypeAlias = bytes | mmap.mmap

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Wire types. Types 3 and 4, groups, never were in ONNX."""


class Field(NamedTuple):
    """Where one field of a message stands in a buffer.

    Attributes:
        number: Field number.
        kind: Wire type.
        start: First byte of its tag.
        content: First byte of its value, behind the length if it has one.
        end: Byte behind its value.
    """

    number: int
    kind: int
    start: int
    content: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return self.end - self.content


@dataclass(eq=False)
class WireError(Exception):
    """Bytes that are not a protobuf message.

    Attributes:
        position: Where in the buffer.
        overrun: Whether a field goes on behind the end of its message.
    """

    position: int
    overrun: bool


def fields(data: Buffer, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message from `start` to `end`.

    Raises:
        WireError: The bytes are not a message.
    """
    position = start
    while position < end:
        begin = position
        tag, content = read_varint(data, position, end)
        number, kind = tag >> 3, tag & 7
        if kind == LENGTH:
            length, content = read_varint(data, content, end)
            position = content + length
        elif kind == VARINT:
            _, position = read_varint(data, content, end)
        elif kind in (FIXED32, FIXED64):
            position = content + (4 if kind == FIXED32 else 8)
        else:
            raise WireError(begin, overrun=False)
        if number == 0 or position > end:
            raise WireError(begin, overrun=number != 0)
        yield Field(number, kind, begin, content, position)


def read_varint(data: Buffer, position: int, end: int) -> tuple[int, int]:
    """Return a variable-length integer and the position behind it.

    Raises:
        WireError: It goes on behind `end`, or has more than ten bytes.
    """
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise WireError(position, overrun=True)
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise WireError(position, overrun=False)


def varint(value: int) -> bytes:
    """Return a non-negative integer in as few bytes as it takes, seven bits a byte."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def tag(number: int, kind: int) -> bytes:
    """Return what stands before a field's value."""
    return varint(number << 3 | kind)


def delimited(number: int, content: bytes) -> bytes:
    """Return a field that holds a string, bytes or a message."""
    return tag(number, LENGTH) + varint(len(content)) + content
