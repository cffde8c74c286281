"""The discrete Fourier transform along an axis that is computed, or of a computed length."""

import mindspore as ms
from mindspore import ops


def transform_fourier(
    x: ms.Tensor,
    axis: int,
    length: int | None = None,
    inverse: bool = False,
    onesided: bool = False,
) -> ms.Tensor:
    """Return the transform of x, whose last axis holds real and imaginary parts, or the former.

    The sum goes over the first `length` numbers along the axis; zeros stand for those that lack.
    """
    x = ops.swapaxes(x, axis, -2)
    if length is None:
        length = 2 * (x.shape[-2] - 1) if inverse and onesided else x.shape[-2]
    x = x[..., :length, :]
    real, imaginary = x[..., 0], x[..., -1] * (x.shape[-1] - 1)
    given = ops.arange(real.shape[-1])
    to_real = inverse and onesided
    frequencies = ops.arange(length // 2 + 1 if onesided and not inverse else length)
    turns = ops.unsqueeze(given, 1) * frequencies % length
    circle = ms.Tensor(6.283185307179586, ms.float64)  # as a number it would become a float32
    angles = turns.astype(ms.float64) * circle / length
    cos, sin = ops.cos(angles).astype(x.dtype), ops.sin(angles).astype(x.dtype)
    if inverse:
        cos, sin = cos / length, -sin / length
    if to_real:  # all but the first and the middle frequency stand for two
        alone = (given * 2 % length == 0).astype(x.dtype)
        twice = ops.unsqueeze((2 - alone) * (given * 2 <= length).astype(x.dtype), 1)
        cos, sin = cos * twice, sin * twice
    result = ops.unsqueeze(ops.matmul(real, cos) + ops.matmul(imaginary, sin), -1)
    if not to_real:
        other = ops.matmul(imaginary, cos) - ops.matmul(real, sin)
        result = ops.cat((result, ops.unsqueeze(other, -1)), axis=-1)
    return ops.swapaxes(result, axis, -2)
