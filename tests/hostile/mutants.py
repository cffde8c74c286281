"""Spoiled models: which seed, and what is done to it, is told by a number."""

from dataclasses import dataclass, field

import in_bytes
import in_number
import in_operators
import in_values
import onnx
import outside
from google.protobuf.message import DecodeError
from onnx.checker import ValidationError
from parts import BYTES, MODELS, Random
from seeds import Seed

CHANGES = (in_bytes, in_number, in_operators, in_values, outside)
"""Importing them fills the registers."""


@dataclass(frozen=True)
class Mutant:
    """A spoiled model.

    Attributes:
        told: The seed's name and what was done to it.
        data: The .onnx file.
        files: Contents of other files, by name.
    """

    told: str
    data: bytes
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])


def mutate(number: int, seeds: list[Seed], sources: list[Seed]) -> Mutant:
    """Return a mutant, the same for the same number and seeds.

    Args:
        number: Tells the seed and what is done to it.
        seeds: Models to spoil.
        sources: Models of which parts are put into others.
    """
    rng = Random(number)
    seed = rng.choice(seeds)
    told = [seed.name]
    data = seed.data
    if rng.random() < 0.7:
        model = onnx.ModelProto.FromString(data)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            change = rng.choice(MODELS)
            told.append(change.__name__)
            try:
                change(rng, model)
            except (IndexError, ValueError, TypeError, DecodeError, OSError, ValidationError):
                told[-1] += "-"  # there is nothing of the kind in this model
        data = model.SerializeToString()
    if len(told) == 1 or rng.random() < 0.1:
        change_bytes = rng.choice(BYTES)
        told.append(change_bytes.__name__)
        data = change_bytes(rng, data, sources)
    return Mutant(" ".join(told), data, seed.files)
