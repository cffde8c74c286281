"""How a parameter's elements are moved on the way from PyTorch's state_dict, and back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .graph import Array

Step = tuple[str, tuple[int, ...]]
"""("transpose", permutation) or ("reshape", shape)."""


@dataclass(frozen=True)
class Moves:
    """What moves the elements of a tensor and changes none.

    Attributes:
        shape: Shape of the tensor in the state_dict.
        steps: What is done to it, first to last.
    """

    shape: tuple[int, ...]
    steps: tuple[Step, ...] = ()

    @property
    def result(self) -> tuple[int, ...]:
        """Shape after all steps."""
        return _shapes(self.shape, self.steps)[-1]

    def then(self, steps: Sequence[Step]) -> "Moves":
        """Return these moves and further ones, without those that undo each other."""
        kept = list(self.steps)
        for step, numbers in steps:
            before = kept.pop() if kept and kept[-1][0] == step else None
            if step == "transpose" and before is not None:
                numbers = tuple(before[1][axis] for axis in numbers)
            idle = tuple(range(len(numbers)))
            if step == "reshape":
                idle = _shapes(self.shape, kept)[-1]
            if numbers != idle:
                kept.append((step, numbers))
        return Moves(self.shape, tuple(kept))

    def apply(self, array: Array) -> Array:
        """Return what a tensor of the state_dict becomes."""
        for step, numbers in self.steps:
            array = array.transpose(numbers) if step == "transpose" else array.reshape(numbers)
        return array

    def undo(self, array: Array) -> Array:
        """Return the tensor of the state_dict that became an array."""
        shapes = _shapes(self.shape, self.steps)
        for (step, numbers), shape in zip(reversed(self.steps), shapes[-2::-1], strict=True):
            if step == "transpose":
                inverse = sorted(range(len(numbers)), key=numbers.__getitem__)
                array = array.transpose(inverse)
            else:
                array = array.reshape(shape)
        return array


def is_possible(shape: Sequence[int], steps: Sequence[Step]) -> bool:
    """Tell whether steps, of a file, can be done to a tensor of a shape."""
    now = tuple(shape)
    for step, numbers in steps:
        if step == "transpose" and sorted(numbers) == list(range(len(now))):
            now = tuple(now[axis] for axis in numbers)
        elif (
            step == "reshape"
            and min(numbers, default=0) >= 0
            and math.prod(numbers) == math.prod(now)
        ):
            now = tuple(numbers)
        else:
            return False
    return True


def _shapes(shape: tuple[int, ...], steps: Sequence[Step]) -> list[tuple[int, ...]]:
    """Return the shape before and after each step."""
    shapes = [shape]
    for step, numbers in steps:
        now = shapes[-1]
        shapes.append(tuple(now[i] for i in numbers) if step == "transpose" else numbers)
    return shapes
