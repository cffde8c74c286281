"""Elements that are moved round; ops.roll of MindSpore 2.10 has no kernel for the CPU."""

import mindspore as ms
from mindspore import ops


def roll_axes(x: ms.Tensor, shifts: tuple[int, ...], axes: tuple[int, ...]) -> ms.Tensor:
    """Return a tensor with its elements moved on along axes, those at the end to the start."""
    for i, axis in enumerate(axes):
        size = x.shape[axis]
        first, last = ops.split(x, (-shifts[i] % size, shifts[i] % size), axis=axis)
        x = ops.cat((last, first), axis=axis)
    return x
