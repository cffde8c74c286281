"""Half of a rotation by a right angle, of pairs of elements."""

import mindspore as ms
from mindspore import ops


def rotate_half(x: ms.Tensor) -> ms.Tensor:
    """Return the last axis with its halves exchanged, the second one negative."""
    half = x.shape[-1] // 2
    return ops.cat((-x[..., half:], x[..., :half]), axis=-1)
