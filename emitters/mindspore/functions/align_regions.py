"""Means over the bins of regions of images."""

import mindspore as ms
from mindspore import ops

from .weigh_pixels import weigh_pixels


def align_regions(
    x: ms.Tensor,
    regions: ms.Tensor,
    batch: ms.Tensor,
    output_size: tuple[int, int],
    sampling_ratio: int,
    scale: float,
    half_pixel: bool = False,
) -> ms.Tensor:
    """Return each region (x1, y1, x2, y2) as an image of its means, by bilinear interpolation."""
    regions = regions * scale
    if half_pixel:
        regions = regions - 0.5
    start, length = regions[:, :2], regions[:, 2:] - regions[:, :2]
    if not half_pixel:
        length = ops.maximum(length, ops.ones_like(length))
    bins_y, bins_x = output_size
    rows = weigh_pixels(start[:, 1], length[:, 1], bins_y, x.shape[2], sampling_ratio)
    columns = weigh_pixels(start[:, 0], length[:, 0], bins_x, x.shape[3], sampling_ratio)
    images = ops.gather(x, batch, 0)
    means = ops.matmul(ops.unsqueeze(rows, 1), images)
    return ops.matmul(means, ops.unsqueeze(ops.swapaxes(columns, 1, 2), 1))
