"""The layer that com.acme.Swoosh becomes; it is copied into model.py."""

import mindspore as ms
from mindspore import nn, ops


class Swoosh(nn.Cell):
    def __init__(self, shift: float, offset: float):
        super().__init__()
        self.shift = shift
        self.offset = offset

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        shifted = x - self.shift
        soft = ops.relu(shifted) + ops.log1p(ops.exp(-ops.abs(shifted)))
        return soft - 0.08 * x - self.offset

    def bprop(self, x: ms.Tensor, out: ms.Tensor, dout: ms.Tensor) -> tuple[ms.Tensor]:
        return (dout * (ops.sigmoid(x - self.shift) - 0.08),)
