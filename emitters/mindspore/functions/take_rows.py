"""What a loop has collected, if it may end early."""

import mindspore as ms
from mindspore import ops


def take_rows(rows: ms.Tensor, count: ms.Tensor) -> ms.Tensor:
    """Return the first rows; GRAPH mode of MindSpore 2.10 takes rows[:count] for rows[:0]."""
    return ops.gather(rows, ops.arange(count), 0)
