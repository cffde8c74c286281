"""A convolution a channel that looks back only, with the elements it needs of the call before."""

import mindspore as ms
from mindspore import ops


def convolve_causally(
    x: ms.Tensor,
    weight: ms.Tensor,
    bias: ms.Tensor | None = None,
    past: ms.Tensor | None = None,
    silu: bool = False,
) -> tuple[ms.Tensor, ms.Tensor]:
    """Return the convolved (batch, channels, length), and the elements that the next call needs."""
    taps, length = weight.shape[2], x.shape[2]
    if past is None:
        past = ops.zeros((x.shape[0], x.shape[1], taps - 1), x.dtype)
    joined = ops.cat((past, x), axis=2)
    present = joined[:, :, length:]
    wide, weight = joined.astype(ms.float32), weight.astype(ms.float32)
    result = wide[:, :, :length] * weight[:, :, 0]
    for i in range(1, taps):
        result = result + wide[:, :, i : i + length] * weight[:, :, i]
    if bias is not None:
        result = result + ops.unsqueeze(bias.astype(ms.float32), 1)
    if silu:
        result = ops.silu(result)
    return result.astype(x.dtype), present
