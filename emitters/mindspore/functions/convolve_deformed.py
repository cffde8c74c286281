"""Convolution by a kernel each of whose taps is moved."""

import mindspore as ms
from mindspore import ops


def convolve_deformed(
    x: ms.Tensor,
    weight: ms.Tensor,
    offset: ms.Tensor,
    mask: ms.Tensor | None = None,
    bias: ms.Tensor | None = None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    offset_groups: int = 1,
) -> ms.Tensor:
    """Convolve images at places that `offset` moves, (y, x) for each tap of the kernel."""
    samples, channels, height, width = x.shape
    out_channels, taps = weight.shape[0], weight.shape[2] * weight.shape[3]
    out_height, out_width = offset.shape[2], offset.shape[3]
    images = ops.reshape(x, (samples * offset_groups, -1, height * width))
    moves = ops.reshape(offset, (samples * offset_groups, taps, 2, out_height, out_width))
    rows = ops.unsqueeze(ops.arange(out_height).astype(x.dtype), 1) * stride[0] - padding[0]
    columns = ops.arange(out_width).astype(x.dtype) * stride[1] - padding[1]
    parts = []
    for tap in range(taps):
        y = moves[:, tap, 0] + rows + tap // weight.shape[3] * dilation[0]
        at = moves[:, tap, 1] + columns + tap % weight.shape[3] * dilation[1]
        part = ops.zeros((*images.shape[:2], out_height * out_width), x.dtype)
        for corner in range(4):
            row, column = ops.floor(y) + corner // 2, ops.floor(at) + corner % 2
            inside = ops.logical_and(row >= 0, row < height)
            inside = ops.logical_and(inside, ops.logical_and(column >= 0, column < width))
            share = (1 - ops.abs(y - row)) * (1 - ops.abs(at - column)) * inside.astype(x.dtype)
            row, column = ops.clamp(row, 0, height - 1), ops.clamp(column, 0, width - 1)
            index = ops.reshape((row * width + column).astype(ms.int32), (images.shape[0], 1, -1))
            pixels = ops.gather_elements(images, 2, ops.broadcast_to(index, part.shape))
            part = part + pixels * ops.reshape(share, (images.shape[0], 1, -1))
        if mask is not None:
            shares = ops.reshape(mask, (-1, taps, 1, out_height * out_width))
            part = part * shares[:, tap]
        parts.append(ops.reshape(part, (samples, groups, channels // groups, -1)))
    patches = ops.reshape(ops.stack(parts, 3), (samples, groups, channels // groups * taps, -1))
    kernel = ops.reshape(weight, (groups, out_channels // groups, -1))
    result = ops.matmul(kernel, patches)
    result = ops.reshape(result, (samples, out_channels, out_height, out_width))
    return result if bias is None else result + ops.reshape(bias, (-1, 1, 1))
