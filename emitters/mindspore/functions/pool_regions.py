"""Maxima over the bins of regions of images."""

import mindspore as ms
from mindspore import ops


def pool_regions(
    x: ms.Tensor, regions: ms.Tensor, output_size: tuple[int, int], scale: float
) -> ms.Tensor:
    """Return each region (image, x1, y1, x2, y2) as an image of its maxima; 0 where it is empty."""
    corners = ops.floor(regions[:, 1:] * scale + 0.5)
    values = ops.gather(x, regions[:, 0].astype(ms.int32), 0)
    lowest = ops.full_like(values[:, :, :1, :1], -3.4e38)
    for axis in (0, 1):
        bins, size = output_size[1 - axis], x.shape[3 - axis]
        start = ops.unsqueeze(corners[:, axis], 1)
        width = ops.maximum(corners[:, 2 + axis] - corners[:, axis] + 1, ops.ones_like(start[:, 0]))
        width = ops.unsqueeze(width / bins, 1)
        index = ops.arange(bins).astype(x.dtype)
        begin = ops.clamp(ops.floor(index * width) + start, 0, size)
        end = ops.clamp(ops.ceil((index + 1) * width) + start, 0, size)
        pixels = ops.arange(size).astype(x.dtype)
        inside = ops.logical_and(pixels >= ops.unsqueeze(begin, 2), pixels < ops.unsqueeze(end, 2))
        parts = []
        for i in range(bins):
            seen = ops.reshape(inside[:, i], (-1, 1, 1, size))
            parts.append(ops.amax(ops.where(seen, values, lowest), -1))
        values = ops.swapaxes(ops.stack(parts, -1), 2, 3)
    return ops.where(values > -3.4e38, values, ops.zeros_like(values))
