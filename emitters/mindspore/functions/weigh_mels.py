"""The triangular filters that make mel frequencies of a spectrum."""

import mindspore as ms
from mindspore import ops


def weigh_mels(
    bins: int, length: int, rate: int, lowest: ms.Tensor, highest: ms.Tensor, dtype: ms.Type
) -> ms.Tensor:
    """Return the weight of each frequency of a transform of `length` in each of the mel bins."""
    first = ops.log(1 + lowest.astype(ms.float64) / 700)
    last = ops.log(1 + highest.astype(ms.float64) / 700)
    mels = ops.arange(bins + 2).astype(ms.float64) * ((last - first) / (bins + 2)) + first
    edges = ops.floor((length + 1) * 700 * (ops.exp(mels) - 1) / rate)
    low, center, high = edges[:-2], edges[1:-1], edges[2:]
    place = ops.unsqueeze(ops.arange(length // 2 + 1).astype(ms.float64), 1)
    rise, fall = center - low, high - center
    rising = (place - low) / ops.where(rise > 0, rise, ops.ones_like(rise))
    rising = ops.where(place == center, ops.ones_like(rising), rising)
    falling = (high - place) / ops.where(fall > 0, fall, ops.ones_like(fall))
    nothing = ops.zeros_like(rising)
    weights = ops.where((place >= low) & (place <= center), rising, nothing)
    return ops.where((place > center) & (place < high), falling, weights).astype(dtype)
