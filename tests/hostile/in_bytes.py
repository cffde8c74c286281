"""Changes of a file's bytes."""

from parts import Random, on_bytes
from seeds import Seed

from onnx2ms.compiler.ir.protobuf import delimited


@on_bytes
def flip_bits(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


@on_bytes
def flip_bits_at_the_head(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2))):
        changed[rng.randrange(min(len(changed), 60))] ^= 1 << rng.randrange(8)
    return bytes(changed)


@on_bytes
def truncate(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    return data[: rng.randrange(len(data))]


@on_bytes
def delete_bytes(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.choice((1, 2, 8, 100)) :]


@on_bytes
def repeat_bytes(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    start = rng.randrange(len(data))
    end = start + rng.choice((1, 2, 8, 100, 1000))
    return data[:end] + data[start:end] * rng.choice((1, 2, 50)) + data[end:]


@on_bytes
def overwrite(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    start = rng.randrange(len(data))
    filling = rng.choice((b"\xff", b"\0", b"\x80", rng.randbytes(1)))
    size = rng.choice((1, 4, 10, 60))
    return data[:start] + filling * size + data[start + size :]


@on_bytes
def splice(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    other = rng.choice(sources).data
    start = rng.randrange(len(data))
    return data[:start] + other[rng.randrange(len(other)) :]


@on_bytes
def concatenate(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    return data + rng.choice(sources).data  # protobuf merges two messages


@on_bytes
def nest_deeply(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    """Add a graph in a graph in a graph …, or a type in a type, deeper than any parser goes."""
    inner = b""
    for _ in range(rng.choice((30, 90, 110, 2000))):
        inner = delimited(6, delimited(1, delimited(5, inner)))  # attribute.g, graph.node
    if rng.random() < 0.3:
        inner = b""
        for _ in range(rng.choice((90, 110, 2000))):
            inner = delimited(4, delimited(1, inner))  # type.sequence_type.elem_type
        return data + delimited(7, delimited(11, delimited(1, b"deep") + delimited(2, inner)))
    return data + delimited(7, delimited(1, delimited(5, inner)))


@on_bytes
def garbage(rng: Random, data: bytes, sources: list[Seed]) -> bytes:
    return rng.randbytes(rng.choice((1, 10, 1000)))
