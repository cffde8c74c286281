"""The Fourier transforms of the frames of a signal."""

import mindspore as ms
from mindspore import ops

from .transform_fourier import transform_fourier


def transform_frames(
    signal: ms.Tensor,
    step: int,
    length: int,
    window: ms.Tensor | None = None,
    onesided: bool = True,
) -> ms.Tensor:
    """Return the transform of each frame of `length` numbers; `step` numbers on begins the next."""
    if signal.ndim == 2:
        signal = ops.unsqueeze(signal, -1)
    count = (signal.shape[1] - length) // step + 1
    places = ops.unsqueeze(ops.arange(count) * step, 1) + ops.arange(length)
    frames = ops.gather(signal, places, 1)
    if window is not None:
        frames = frames * ops.unsqueeze(window, 1)
    return transform_fourier(frames, 2, length, onesided=onesided)
