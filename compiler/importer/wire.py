"""The .onnx file without its weights: large tensors become references into the file itself.

A walk over the wire format copies everything but the elements of large tensors, so that weights
never enter a message.
"""

from typing import TypeAlias

from ..ir.errors import ModelError
from ..ir.protobuf import (
    LENGTH,
    VARINT,
    Buffer,
    Field,
    WireError,
    delimited,
    fields,
    read_varint,
    tag,
    varint,
)

LARGE = 1024
"""Bytes above which the elements of a tensor stay in the file."""

MAX_DEPTH = 100
"""Messages inside messages; protobuf's own parser goes no deeper."""

Schema: TypeAlias = "dict[int, Schema]"
"""Fields of a message that can hold tensors, and the messages that they hold."""

TENSOR: Schema = {}
GRAPH: Schema = {}
ATTRIBUTE: Schema = {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH}
NODE: Schema = {5: ATTRIBUTE}
FUNCTION: Schema = {7: NODE, 11: ATTRIBUTE}
MODEL: Schema = {7: GRAPH, 25: FUNCTION}
GRAPH.update({1: NODE, 5: TENSOR})

MODEL_GRAPH = 7
MODEL_FIELDS = {1: VARINT, 5: VARINT} | dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25), LENGTH)
TENSOR_DTYPE, FLOAT_DATA, RAW_DATA, DOUBLE_DATA = 2, 4, 9, 10
EXTERNAL_DATA, DATA_LOCATION = 13, 14
VALUE_FIELDS = {FLOAT_DATA, 5, 6, 7, RAW_DATA, DOUBLE_DATA, 11, EXTERNAL_DATA}
PACKED = {FLOAT_DATA: {1, 14}, DOUBLE_DATA: {11, 15}}
"""Element types (float, complex64; double, complex128) that lie in a field as in memory."""


def skeleton(data: Buffer, location: str) -> bytes:
    """Return a ModelProto whose large tensors refer to the file that it was read from.

    Args:
        data: The whole file.
        location: The file's name, which the references and the messages give.

    Raises:
        ModelError: The file is not an ONNX model, or is truncated or damaged.
    """
    _check_outline(data, location)
    try:
        return _rewrite(data, 0, len(data), MODEL, location, 0)
    except WireError as error:
        raise _damaged(location, error.position) from error


def _check_outline(data: Buffer, location: str) -> None:
    """Raise unless the outermost message is a whole ModelProto."""
    seen: set[int] = set()
    try:
        for field in fields(data, 0, len(data)):
            if MODEL_FIELDS.get(field.number, field.kind) != field.kind:
                raise WireError(field.start, overrun=False)
            seen |= MODEL_FIELDS.keys() & {field.number}
    except WireError as error:
        if error.overrun and seen:
            raise ModelError(
                f"{location} is truncated at byte {len(data)}",
                help="copy or download the file again",
            ) from error
        if MODEL_GRAPH in seen:
            raise _damaged(location, error.position) from error
        seen.clear()
    if MODEL_GRAPH not in seen:
        raise ModelError(f"{location} is not an ONNX file", help=_guess(data))


def _damaged(location: str, position: int) -> ModelError:
    return ModelError(
        f"{location} is damaged at byte {position}", help="copy or download the file again"
    )


def _guess(data: Buffer) -> str:
    """Return what to do about a file of another format."""
    if data[:2] == b"PK":
        return "if it is a PyTorch checkpoint, export its module with torch.onnx.export"
    if data[:7] == b"version":
        return "if it is a Git LFS pointer, fetch the file with `git lfs pull`"
    return "export the network to ONNX first"


def _rewrite(
    data: Buffer, start: int, end: int, schema: Schema, location: str, depth: int
) -> bytes:
    """Return the message from `start` to `end`, large tensors replaced by references."""
    if schema is TENSOR:
        return _refer(data, start, end, location)
    if depth > MAX_DEPTH:
        raise ModelError(
            f"{location} nests messages more than {MAX_DEPTH} deep (byte {start})",
            help="no exporter writes such a file",
        )
    parts: list[bytes] = []
    copied = start
    for field in fields(data, start, end):
        inner = schema.get(field.number)
        if inner is None or field.kind != LENGTH or field.size <= LARGE:
            continue
        message = _rewrite(data, field.content, field.end, inner, location, depth + 1)
        parts += data[copied : field.start], delimited(field.number, message)
        copied = field.end
    return b"".join((*parts, data[copied:end]))


def _refer(data: Buffer, start: int, end: int, location: str) -> bytes:
    """Return a TensorProto, its elements left in the file if they are large."""
    members = list(fields(data, start, end))
    elements = _elements(data, members)
    if elements is None:
        return data[start:end]
    reference = {"location": location, "offset": elements.content, "length": elements.size}
    entries = (
        delimited(1, key.encode()) + delimited(2, str(value).encode())
        for key, value in reference.items()
    )
    return b"".join(
        (
            *(
                data[field.start : field.end]
                for field in members
                if field is not elements and field.number != DATA_LOCATION
            ),
            *(delimited(EXTERNAL_DATA, entry) for entry in entries),
            tag(DATA_LOCATION, VARINT) + varint(1),
        )
    )


def _elements(data: Buffer, members: list[Field]) -> Field | None:
    """Return the field that holds a large tensor's elements as they lie in memory."""
    values = [field for field in members if field.number in VALUE_FIELDS]
    if len(values) != 1 or values[0].kind != LENGTH or values[0].size <= LARGE:
        return None
    if values[0].number == RAW_DATA:
        return values[0]
    dtypes = [
        read_varint(data, field.content, field.end)[0]
        for field in members
        if field.number == TENSOR_DTYPE and field.kind == VARINT
    ]
    return values[0] if dtypes and dtypes[-1] in PACKED.get(values[0].number, ()) else None
