"""Pools whose pads depend on sizes that are open, or that MindSpore has no layer for."""

import mindspore as ms
from mindspore import ops


def pool_windows(
    x: ms.Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    pads: tuple[int, ...],
    dilation: tuple[int, ...],
    kind: str,
    same: str = "",
    ceil_mode: bool = False,
    count_pads: bool = False,
    lowest: float = float("-inf"),
) -> ms.Tensor:
    """Return the maximum, mean or sum over each window, one spatial axis after the other."""
    for i in range(len(kernel)):
        axis, size = i + 2, x.shape[i + 2]
        reach, before, after = (kernel[i] - 1) * dilation[i] + 1, pads[i], pads[len(kernel) + i]
        if same:
            count = (size + stride[i] - 1) // stride[i]
            total = (count - 1) * stride[i] + reach - size
            total = total if total > 0 else 0
            before = total // 2 if same == "upper" else total - total // 2
            after = total - before
        span = size + before + after - reach
        count = (span + stride[i] - 1 if ceil_mode else span) // stride[i] + 1
        if ceil_mode and (count - 1) * stride[i] >= size + before:  # it would begin behind the end
            count = count - 1
        places = ops.unsqueeze(ops.arange(count) * stride[i] - before, 1)
        places = places + ops.arange(kernel[i]) * dilation[i]
        inside = (places >= 0) & (places < size)
        picked = ops.clamp(places, 0, size - 1)
        taken = ops.swapaxes(ops.gather(ops.swapaxes(x, axis, -1), picked, x.ndim - 1), axis, -2)
        shown = inside.reshape(count, *(1,) * (x.ndim - axis - 1), kernel[i])
        if kind == "maximum":
            taken = ops.where(shown, taken, ops.zeros_like(taken) + lowest)
            x = ops.amax(taken, -1).astype(x.dtype)
        else:
            x = (taken * shown.astype(x.dtype)).sum(-1)
        if kind == "mean":
            counted = (places < size + after) if count_pads else inside
            numbers = ops.clamp(counted.astype(ms.int32).sum(1), 1, kernel[i])
            x = x / numbers.astype(x.dtype).reshape(count, *(1,) * (x.ndim - axis - 1))
    return x
