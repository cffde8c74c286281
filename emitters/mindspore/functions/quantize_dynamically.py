"""Quantization by the range that the values happen to have."""

import mindspore as ms
from mindspore import ops


def quantize_dynamically(x: ms.Tensor) -> tuple[ms.Tensor, ms.Tensor, ms.Tensor]:
    """Return x in the integers 0 to 255, the scale, and the integer that stands for 0."""
    low = ops.minimum(x.min(), ops.zeros((), x.dtype))
    high = ops.maximum(x.max(), ops.zeros((), x.dtype))
    scale = (high - low) / 255
    scale = ops.where(scale == 0, ops.ones_like(scale), scale)
    zero_point = ops.clamp(ops.round(-low / scale), 0, 255)
    quantized = ops.clamp(ops.round(x / scale) + zero_point, 0, 255)
    return quantized.astype(ms.uint8), scale, zero_point.astype(ms.uint8)
