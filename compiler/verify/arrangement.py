"""The orders of axes in which one parameter may hold what another does."""

import math
from collections.abc import Iterator
from itertools import permutations

from ..ir.graph import Array

RANK = 5
"""Of a weight of a layer at most, a three-dimensional convolution's."""


def arrangements(array: Array, shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Yield the ways to bring an array into a shape: an order of its axes, and what comes of it.

    The elements as they are come first, by an order of (): MindSpore holds the weight of a Conv1d
    with an axis more. Then its axes in every order that has the shape, as for `x @ W'`.
    """
    if array.size == math.prod(shape):
        yield (), array.reshape(shape)
    if array.ndim == len(shape) <= RANK:
        for axes in permutations(range(array.ndim)):
            if list(axes) != sorted(axes) and tuple(array.shape[i] for i in axes) == shape:
                yield axes, array.transpose(axes)
