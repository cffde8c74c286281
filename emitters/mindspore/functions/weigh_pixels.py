"""How much of each pixel there is in each bin of a region, along one axis."""

import mindspore as ms
from mindspore import ops

from .place_samples import place_samples


def weigh_pixels(
    start: ms.Tensor, length: ms.Tensor, bins: int, size: int, sampling_ratio: int
) -> ms.Tensor:
    """Return the weight of each pixel of an axis in each bin, (regions, bins, size)."""
    at, counts, count = place_samples(start, length, bins, size, sampling_ratio)
    counts = ops.logical_and(counts, ops.logical_and(at >= -1, at <= size))
    at = ops.unsqueeze(ops.clamp(at, 0, size - 1), 3)
    near = ops.relu(1 - ops.abs(at - ops.arange(size).astype(start.dtype)))
    weights = (near * ops.unsqueeze(counts, 3).astype(start.dtype)).sum(2)
    return weights / ops.unsqueeze(ops.maximum(count, ops.ones_like(count)), 2)
