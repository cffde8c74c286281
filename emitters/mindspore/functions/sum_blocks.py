"""Blocks summed back into an image whose size, or theirs, is computed."""

import mindspore as ms
from mindspore import ops


def sum_blocks(
    x: ms.Tensor,
    image: tuple[int, ...],
    block: tuple[int, ...],
    dilations: tuple[int, ...],
    pads: tuple[int, ...],
    strides: tuple[int, ...],
) -> ms.Tensor:
    """Return the image of which each column of x holds a block: elements of one place are added."""
    rank = len(dilations)
    places = ops.zeros((1, 1), ms.int64)
    planes = x.shape[0] * x.shape[1]
    padded: tuple[int, ...] = ()
    for i in range(rank):
        size = image[i] + pads[i] + pads[rank + i]
        count = (size - (block[i] - 1) * dilations[i] - 1) // strides[i] + 1
        taps = ops.unsqueeze(ops.arange(block[i]) * dilations[i], 1)
        along = taps + ops.arange(count) * strides[i]
        # the axes so far are the slower ones, of the taps as of the blocks
        places = ops.unsqueeze(ops.unsqueeze(places, 1), 3) * size
        places = places + ops.unsqueeze(ops.unsqueeze(along, 0), 2)
        places = places.reshape(places.shape[0] * block[i], -1)
        planes, padded = planes // block[i], (*padded, size)
    total = 1
    for size in padded:
        total = total * size
    flat = x.reshape(planes, -1)
    zeros = ops.zeros((planes, total), x.dtype)
    indices = ops.broadcast_to(places.reshape(1, -1), flat.shape)
    summed = ops.tensor_scatter_elements(zeros, indices, flat, axis=1, reduction="add")
    result = summed.reshape(x.shape[0], -1, *padded)
    for i in range(rank):
        start = pads[i]
        result = ops.swapaxes(result, i + 2, 0)[start : start + image[i]]
        result = ops.swapaxes(result, 0, i + 2)
    return result
