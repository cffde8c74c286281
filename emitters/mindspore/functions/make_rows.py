"""What a loop collects, before it begins."""

import mindspore as ms
from mindspore import ops


def make_rows(count: int | ms.Tensor, shape: tuple[int, ...], dtype: ms.Type) -> ms.Tensor:
    """Return zeros for as many rows as a loop has turns, each of a shape."""
    row = ops.zeros((1, *shape), dtype)
    if isinstance(count, int):
        return ops.tile(row, (count, *(1 for _ in shape)))
    ones = ops.ones((len(shape),), ms.int64)
    return ops.tile(row, ops.cat((ops.reshape(count, (1,)), ones)))
