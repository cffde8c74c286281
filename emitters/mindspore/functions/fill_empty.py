"""Something to reduce where there is nothing."""

import mindspore as ms
from mindspore import ops


def fill_empty(x: ms.Tensor, axes: ms.Tensor, value: float) -> ms.Tensor:
    """Return x, with one element of `value` along each of the axes, or of all, that is empty.

    MindSpore 2.10 reduces an empty axis to what lay in memory.
    """
    if x.size > 0:
        return x
    rank = x.ndim
    reduced = [int(axis) % rank for axis in axes] or list(range(rank))
    sizes = [1 if size == 0 and i in reduced else size for i, size in enumerate(x.shape)]
    return ops.full(tuple(sizes), value, dtype=x.dtype)
