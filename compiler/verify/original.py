"""The network that a model was exported from, as the verification sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..ir.graph import Array


@dataclass(frozen=True)
class Original:
    """The network that a model was exported from; it is what MindSpore is held against.

    Attributes:
        engine: What runs it, with its version: `torch 2.13.0`.
        compute: Returns its outputs by name for one array an input, also by name.
        examples: The arrays that it was exported with.
    """

    engine: str
    compute: Callable[[Mapping[str, Array]], Mapping[str, Array]] = field(repr=False)
    examples: Mapping[str, Array] = field(repr=False)
