"""Images sampled at the nearest pixel."""

import mindspore as ms
from mindspore import ops


def sample_nearest(
    x: ms.Tensor, grid: ms.Tensor, padding_mode: str = "zeros", align_corners: bool = False
) -> ms.Tensor:
    """Sample images at places from -1 to 1, each the nearest pixel, of two the even one."""
    sizes = x.shape[2:]
    index = ops.zeros(grid.shape[:-1], ms.int32)
    inside = ops.ones(grid.shape[:-1], x.dtype)
    for axis, size in enumerate(sizes):
        at = grid[..., len(sizes) - 1 - axis]
        at = (at + 1) / 2 * (size - 1) if align_corners else ((at + 1) * size - 1) / 2
        if padding_mode == "reflection":
            edge = 0.0 if align_corners else -0.5
            span = max(size - 1, 1) if align_corners else size
            at = ops.abs(at - edge)
            at = at - ops.floor(at / (2 * span)) * (2 * span)
            at = span - ops.abs(at - span) + edge
        place = ops.round(at)
        if padding_mode == "zeros":
            seen = ops.logical_and(place >= 0, place <= size - 1)
            inside = inside * seen.astype(x.dtype)
        index = index * size + ops.clamp(place, 0, size - 1).astype(ms.int32)
    flat = ops.reshape(x, (x.shape[0], x.shape[1], -1))
    index = ops.reshape(index, (x.shape[0], 1, -1))
    picked = ops.gather_elements(
        flat, 2, ops.broadcast_to(index, (x.shape[0], x.shape[1], index.shape[2]))
    )
    picked = picked * ops.reshape(inside, (x.shape[0], 1, -1))
    return ops.reshape(picked, (*x.shape[:2], *grid.shape[1:-1]))
