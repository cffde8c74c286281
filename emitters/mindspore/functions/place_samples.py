"""Where the bins of regions are sampled, along one axis."""

import mindspore as ms
from mindspore import ops


def place_samples(
    start: ms.Tensor, length: ms.Tensor, bins: int, size: int, sampling_ratio: int
) -> tuple[ms.Tensor, ms.Tensor, ms.Tensor]:
    """Return places in pixels, whether each counts, and their number, (regions, bins, places).

    A bin is sampled at `sampling_ratio` places; 0: at as many as it has pixels, rounded up. Of
    these only those that may lie within the image are told.
    """
    width = ops.unsqueeze(length / bins, 1)
    if sampling_ratio > 0:
        count = ops.full_like(width, sampling_ratio)
        places = ops.arange(sampling_ratio).astype(start.dtype)
    else:
        count = ops.ceil(width)
        places = ops.arange(2 * size + 6).astype(start.dtype)
    begin = ops.unsqueeze(start, 1) + ops.arange(bins).astype(start.dtype) * width
    step = width / ops.maximum(count, ops.ones_like(count))
    first = ops.zeros_like(begin)
    if sampling_ratio <= 0:  # from the first within the image
        first = ops.maximum(ops.ceil((-1 - begin) / step - 0.5), first)
    index = ops.unsqueeze(first, 2) + places
    at = ops.unsqueeze(begin, 2) + (index + 0.5) * ops.unsqueeze(step, 2)
    return at, index < ops.unsqueeze(count, 2), count
