"""Example inputs from the words of a command line."""

from collections.abc import Sequence

import torch

from ..ir.errors import UsageError, quoted

TYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
        *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool),
    )
}
"""Element types by name."""


def parse_examples(texts: Sequence[str]) -> tuple[torch.Tensor, ...]:
    """Make up one tensor for each `D,D,…:TYPE`, the same for the same words.

    Real numbers are normally distributed. Integers are 0 and 1, which lie within any table.

    Args:
        texts: As in `1,3,224,224:float32`; the type is float32 where none is given, and `:int64`
            is a single number.

    Raises:
        UsageError: A text says something else.
    """
    generator = torch.Generator().manual_seed(0)
    return tuple(_example(text, generator) for text in texts)


def _example(text: str, generator: torch.Generator) -> torch.Tensor:
    dims, colon, name = text.partition(":")
    dtype = TYPES.get(name) if colon else torch.float32
    sizes = dims.split(",") if dims else []
    if dtype is None or not all(size.isascii() and size.isdigit() for size in sizes):
        raise UsageError(
            f"{quoted(text)} is no example input",
            help=f"write D,D,…:TYPE such as 1,3,224,224:float32; TYPE is one of {', '.join(TYPES)}",
        )
    shape = [int(size) for size in sizes]
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator).to(dtype)
    return torch.randint(0, 2, shape, generator=generator).to(dtype)
