"""Images sampled by cubic convolution."""

import mindspore as ms
from mindspore import ops


def sample_bicubic(
    x: ms.Tensor, grid: ms.Tensor, padding_mode: str = "zeros", align_corners: bool = False
) -> ms.Tensor:
    """Sample images at places from -1 to 1, by the cubic convolution of R. Keys with a = -0.75."""
    samples, channels, height, width = x.shape
    flat = ops.reshape(x, (samples, channels, height * width))
    taps = []
    for axis, size in ((0, width), (1, height)):
        at = grid[..., axis]
        at = (at + 1) / 2 * (size - 1) if align_corners else ((at + 1) * size - 1) / 2
        low = ops.floor(at)
        near = at - low
        for tap in (-1, 0, 1, 2):
            far = ops.abs(near - tap)
            inner = (1.25 * far - 2.25) * far * far + 1
            outer = ((-0.75 * far + 3.75) * far - 6) * far + 3
            weight = ops.where(far <= 1, inner, outer)
            place = low + tap
            if padding_mode == "zeros":
                inside = ops.logical_and(place >= 0, place <= size - 1)
                weight = ops.where(inside, weight, ops.zeros_like(weight))
            elif padding_mode == "reflection":
                edge = 0.0 if align_corners else -0.5
                span = max(size - 1, 1) if align_corners else size
                place = ops.abs(place - edge)
                place = place - ops.floor(place / (2 * span)) * (2 * span)
                place = span - ops.abs(place - span) + edge
            place = ops.clamp(place, 0, size - 1).astype(ms.int32)
            taps.append((place, weight))
    result = ops.zeros((samples, channels, grid.shape[1] * grid.shape[2]), x.dtype)
    for row, row_weight in taps[4:]:
        for column, column_weight in taps[:4]:
            index = ops.reshape(row * width + column, (samples, 1, -1))
            index = ops.broadcast_to(index, (samples, channels, index.shape[2]))
            weight = ops.reshape(row_weight * column_weight, (samples, 1, -1))
            result = result + ops.gather_elements(flat, 2, index) * weight
    return ops.reshape(result, (samples, channels, grid.shape[1], grid.shape[2]))
