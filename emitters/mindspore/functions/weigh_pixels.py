"""How much of each pixel there is in each bin of a region, along one axis."""

import mindspore as ms
from mindspore import ops


def weigh_pixels(
    start: ms.Tensor, length: ms.Tensor, bins: int, size: int, sampling_ratio: int
) -> ms.Tensor:
    """Return the weight of each pixel of an axis in each bin, (regions, bins, size).

    A bin is sampled at `sampling_ratio` places; 0: at as many as it has pixels, rounded up.
    """
    width = ops.unsqueeze(length / bins, 1)
    if sampling_ratio > 0:
        count = ops.full_like(width, sampling_ratio)
        places = ops.arange(sampling_ratio).astype(start.dtype)
    else:
        count = ops.maximum(ops.ceil(width), ops.ones_like(width))
        places = ops.arange(2 * size + 6).astype(start.dtype)
    begin = ops.unsqueeze(start, 1) + ops.arange(bins).astype(start.dtype) * width
    step = width / count
    first = ops.zeros_like(begin)
    if sampling_ratio <= 0:  # samples before the image weigh nothing
        first = ops.maximum(ops.ceil((-1 - begin) / step - 0.5), first)
    index = ops.unsqueeze(first, 2) + places
    at = ops.unsqueeze(begin, 2) + (index + 0.5) * ops.unsqueeze(step, 2)
    counts = ops.logical_and(at >= -1, at <= size)
    counts = ops.logical_and(counts, index < ops.unsqueeze(count, 2))
    at = ops.unsqueeze(ops.clamp(at, 0, size - 1), 3)
    near = ops.relu(1 - ops.abs(at - ops.arange(size).astype(start.dtype)))
    weights = (near * ops.unsqueeze(counts, 3).astype(start.dtype)).sum(2)
    return weights / ops.unsqueeze(count, 2)
