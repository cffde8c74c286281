"""Maxima over the bins of regions of images, of samples."""

import mindspore as ms
from mindspore import ops

from .place_samples import place_samples


def peak_regions(
    x: ms.Tensor,
    regions: ms.Tensor,
    batch: ms.Tensor,
    output_size: tuple[int, int],
    sampling_ratio: int,
    scale: float,
    half_pixel: bool = False,
) -> ms.Tensor:
    """Return each region (x1, y1, x2, y2) as an image of its maxima.

    A sample is the greatest of the four pixels around it, each times its bilinear weight, and 0
    outside of the image.
    """
    regions = regions * scale
    if half_pixel:
        regions = regions - 0.5
    values = ops.gather(x, batch, 0)
    for axis in (0, 1):
        start, length = regions[:, axis], regions[:, axis + 2] - regions[:, axis]
        if not half_pixel:
            length = ops.maximum(length, ops.ones_like(length))
        bins, size = output_size[1 - axis], x.shape[3 - axis]
        at, counts, count = place_samples(start, length, bins, size, sampling_ratio)
        inside = ops.logical_and(at >= -1, at <= size).astype(x.dtype)
        at = ops.clamp(at, 0, size - 1)
        low = ops.floor(at)
        near = pick_pixels(values, low, (1 - at + low) * inside)
        far = pick_pixels(values, ops.clamp(low + 1, 0, size - 1), (at - low) * inside)
        samples = ops.maximum(near, far)
        seen = ops.reshape(counts, (-1, 1, 1, *at.shape[1:]))
        peaks = ops.amax(ops.where(seen, samples, ops.full_like(samples, -3.4e38)), -1)
        told = counts.astype(x.dtype).sum(2)  # those that are not lie outside of the image
        outside = ops.reshape(ops.logical_or(told < count, told == 0), (-1, 1, 1, bins))
        peaks = ops.where(outside, ops.maximum(peaks, ops.zeros_like(peaks)), peaks)
        values = ops.swapaxes(peaks, 2, 3)
    return values


def pick_pixels(values: ms.Tensor, pixels: ms.Tensor, weights: ms.Tensor) -> ms.Tensor:
    """Return pixels of the last axis for each region, times their weights."""
    shape = (*values.shape[:3], *pixels.shape[1:])
    index = ops.reshape(pixels.astype(ms.int32), (-1, 1, 1, shape[3] * shape[4]))
    index = ops.broadcast_to(index, (*shape[:3], shape[3] * shape[4]))
    picked = ops.reshape(ops.gather_elements(values, 3, index), shape)
    return picked * ops.reshape(weights, (-1, 1, 1, *shape[3:]))
