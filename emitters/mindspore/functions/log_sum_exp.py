"""The logarithm of a sum of exponentials, where some are infinite."""

import mindspore as ms
from mindspore import ops


def log_sum_exp(x: ms.Tensor, axis: int | tuple[int, ...], *, keepdim: bool = False) -> ms.Tensor:
    """Return log(sum(exp(x))).

    ops.logsumexp of MindSpore 2.10 is NaN where the largest element is infinite.
    """
    largest = ops.stop_gradient(ops.amax(x, axis, keepdims=True))
    largest = ops.where(ops.isfinite(largest), largest, ops.zeros_like(largest))
    total = ops.log(ops.sum(ops.exp(x - largest), axis, keepdim=True)) + largest
    return total if keepdim else ops.squeeze(total, axis)
