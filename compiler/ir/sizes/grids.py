"""Tensors of integers that count evenly along each axis: positions, and indices made of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from ..dims import Size, multiply
from ..graph import (
    Array,
    attribute,
    axis_of,
    integers,
    is_constant,
    operand,
    small_constant,
)
from .analysis import Dims, Sizes

LARGEST = 2**16
"""Most elements of a constant that is looked at."""

DEEPEST = 16
"""Most operators between a grid and what it counts."""


@dataclass(frozen=True)
class Grid:
    """Elements `start + i * steps[0] + j * steps[1] …`, i, j being their indices.

    Attributes:
        shape: The tensor's shape.
        start: The element at the indices 0.
        steps: What one more of each index adds.
    """

    shape: Dims
    start: Size
    steps: Dims

    @property
    def axes(self) -> list[int]:
        """The axes along which there may be more than one element."""
        return [axis for axis, size in enumerate(self.shape) if size != 1]

    def counts_all(self) -> bool:
        """Tell whether the elements, row after row, count 0, 1, 2 and so on."""
        step: Size = 1
        for axis in reversed(self.axes):
            if self.steps[axis] != step:
                return False
            step = multiply(step, self.shape[axis])
        return self.start == 0

    def spread(self, shape: Dims) -> "Grid":
        """Return the grid broadcast to a shape."""
        steps: list[Size] = [0] * len(shape)
        for axis in self.axes:
            steps[axis - len(self.shape)] = self.steps[axis]
        return Grid(shape, self.start, tuple(steps))

    def with_axes(self, kept: list[int], shape: Dims) -> "Grid":
        """Return the grid with other axes of one element: `kept` are the places of its own."""
        steps: list[Size] = [0] * len(shape)
        for place, axis in zip(kept, self.axes, strict=True):
            steps[place] = self.steps[axis]
        return Grid(shape, self.start, tuple(steps))


def grid_of(value: ir.Value | None, sizes: Sizes, depth: int = DEEPEST) -> Grid | None:
    """Return a tensor of integers as a grid, or None if it is not known to be one."""
    shape = sizes.shape(value)
    if value is None or shape is None or value.dtype is None or not value.dtype.is_integer():
        return None
    if is_constant(value):
        array = small_constant(value, LARGEST)
        return None if array is None else counted(array)
    known = sizes.integers(value)
    if known is not None and len(known) == 1:
        return Grid(shape, known[0], (0,) * len(shape))
    node = value.producer()
    if node is None or node.domain or not depth:
        return None
    rule = RULES.get(node.op_type)
    return None if rule is None else rule(node, shape, sizes, depth - 1)


def counted(array: Array) -> Grid | None:
    """Return a constant as a grid."""
    if not array.size:
        return None
    first = array.reshape(-1)[0]
    steps: list[int] = []
    found = np.full(array.shape, int(first))
    for axis, size in enumerate(array.shape):
        second = tuple(int(axis == other) for other in range(array.ndim))
        steps.append(int(array[second]) - int(first) if size > 1 else 0)
        found += np.arange(size).reshape(size, *[1] * (array.ndim - 1 - axis)) * steps[axis]
    if not np.array_equal(array, found):
        return None
    return Grid(tuple(array.shape), int(first), tuple(steps))


def _range(node: ir.Node, shape: Dims, sizes: Sizes, _depth: int) -> Grid | None:
    start, step = (sizes.integers(operand(node, index)) for index in (0, 2))
    if start is None or step is None:
        return None
    return Grid(shape, start[0], (step[0],))


def _same_order(node: ir.Node, shape: Dims, sizes: Sizes, depth: int) -> Grid | None:
    """A reshape that adds or takes axes of one element."""
    source = grid_of(operand(node, 0), sizes, depth)
    kept = [axis for axis, size in enumerate(shape) if size != 1]
    if source is None or [shape[i] for i in kept] != [source.shape[i] for i in source.axes]:
        return None
    return source.with_axes(kept, shape)


def _expand(node: ir.Node, shape: Dims, sizes: Sizes, depth: int) -> Grid | None:
    source = grid_of(operand(node, 0), sizes, depth)
    return None if source is None else source.spread(shape)


def _transpose(node: ir.Node, shape: Dims, sizes: Sizes, depth: int) -> Grid | None:
    source = grid_of(operand(node, 0), sizes, depth)
    perm: tuple[int, ...] = attribute(node, "perm", tuple(reversed(range(len(shape)))))
    if source is None:
        return None
    return Grid(shape, source.start, tuple(source.steps[axis] for axis in perm))


def _cast(node: ir.Node, _shape: Dims, sizes: Sizes, depth: int) -> Grid | None:
    return grid_of(operand(node, 0), sizes, depth)


def _add(node: ir.Node, shape: Dims, sizes: Sizes, depth: int) -> Grid | None:
    parts = [grid_of(operand(node, index), sizes, depth) for index in (0, 1)]
    one, other = (None if part is None else part.spread(shape) for part in parts)
    if one is None or other is None:
        return None
    steps = tuple(a + b for a, b in zip(one.steps, other.steps, strict=True))
    return Grid(shape, one.start + other.start, steps)


def _multiply(node: ir.Node, shape: Dims, sizes: Sizes, depth: int) -> Grid | None:
    for index in (0, 1):
        factor = sizes.integers(operand(node, index))
        if factor is not None and len(factor) == 1:
            grid = grid_of(operand(node, 1 - index), sizes, depth)
            if grid is None:
                return None
            grid = grid.spread(shape)
            steps = tuple(multiply(step, factor[0]) for step in grid.steps)
            return Grid(shape, multiply(grid.start, factor[0]), steps)
    return None


def _slice(node: ir.Node, shape: Dims, sizes: Sizes, depth: int) -> Grid | None:
    """A part from a known place on."""
    source = grid_of(operand(node, 0), sizes, depth)
    starts, axes = (integers(operand(node, index)) for index in (1, 3))
    steps = operand(node, 4)
    plain = steps is None or set(integers(steps) or ()) == {1}
    if source is None or starts is None or axes is None or min(starts) < 0 or not plain:
        return None
    start = source.start
    for place, axis in zip(starts, axes, strict=True):
        start = start + multiply(source.steps[axis_of(axis, len(shape))], place)
    return Grid(shape, start, source.steps)


Rule = Callable[[ir.Node, Dims, Sizes, int], Grid | None]

RULES: dict[str, Rule] = {
    "Range": _range,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _same_order),
    "Expand": _expand,
    "Transpose": _transpose,
    "Cast": _cast,
    "Identity": _cast,
    "Add": _add,
    "Mul": _multiply,
    "Slice": _slice,
}
"""By operator, what grid it makes of grids."""
