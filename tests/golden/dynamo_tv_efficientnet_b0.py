"""EfficientNet, compiled by onnx2ms 0.1.0.

From tv_efficientnet_b0.onnx (opset 20, pytorch 2.14.1+cu130).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from pathlib import Path

import mindspore as ms
from mindspore import nn, ops

WEIGHTS = Path(__file__).with_name("model.ckpt")


class Conv2dNormActivation(nn.SequentialCell):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, group: int = 1
    ):
        super().__init__(
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size,
                stride=stride,
                pad_mode="pad",
                padding=kernel_size // 2,
                group=group,
                has_bias=True,
            ),
            nn.SiLU(),
        )


class SqueezeExcitation(nn.Cell):
    def __init__(self, width: int, mid_channels: int):
        super().__init__()
        self.fc1 = nn.Conv2d(width, mid_channels, 1, has_bias=True)
        self.fc2 = nn.Conv2d(mid_channels, width, 1, has_bias=True)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        out = ops.mean(x, (-1, -2), keep_dims=True)
        out = ops.silu(self.fc1(out))
        return ops.sigmoid(self.fc2(out)) * x


class PlainMBConv(nn.Cell):
    def __init__(self):
        super().__init__()
        self.block = nn.SequentialCell(
            Conv2dNormActivation(32, 32, 3, group=32),
            SqueezeExcitation(32, 8),
            nn.SequentialCell(nn.Conv2d(32, 16, 1, has_bias=True)),
        )

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return self.block(x)


class MBConv(nn.Cell):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        residual: bool = True,
    ):
        super().__init__()
        self.block = nn.SequentialCell(
            Conv2dNormActivation(in_channels, 6 * in_channels, 1),
            Conv2dNormActivation(
                6 * in_channels, 6 * in_channels, kernel_size, stride=stride, group=6 * in_channels
            ),
            SqueezeExcitation(6 * in_channels, in_channels // 4),
            nn.SequentialCell(nn.Conv2d(6 * in_channels, out_channels, 1, has_bias=True)),
        )
        self.residual = residual

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        out = self.block(x)
        return out + x if self.residual else out


class EfficientNet(nn.Cell):
    def __init__(self):
        super().__init__()
        self.features = nn.SequentialCell(
            Conv2dNormActivation(3, 32, 3, stride=2),
            nn.SequentialCell(PlainMBConv()),
            nn.SequentialCell(MBConv(16, 24, 3, stride=2, residual=False), MBConv(24, 24, 3)),
            nn.SequentialCell(MBConv(24, 40, 5, stride=2, residual=False), MBConv(40, 40, 5)),
            nn.SequentialCell(
                MBConv(40, 80, 3, stride=2, residual=False), MBConv(80, 80, 3), MBConv(80, 80, 3)
            ),
            nn.SequentialCell(
                MBConv(80, 112, 5, residual=False), MBConv(112, 112, 5), MBConv(112, 112, 5)
            ),
            nn.SequentialCell(
                MBConv(112, 192, 5, stride=2, residual=False),
                *[MBConv(192, 192, 5) for _ in range(3)],
            ),
            nn.SequentialCell(MBConv(192, 320, 3, residual=False)),
            Conv2dNormActivation(320, 1280, 1),
        )
        self.classifier = nn.SequentialCell(nn.Dense(1280, 10))

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = ops.flatten(ops.mean(self.features(x), (-1, -2), keep_dims=True))
        return self.classifier(x)


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = EfficientNet()
    if checkpoint is not None:
        weights = ms.load_checkpoint(str(checkpoint))
        found = {name: weight.shape for name, weight in weights.items()}
        own = {name: weight.shape for name, weight in net.parameters_dict().items()}
        wrong = [
            f"{name} is {found.get(name, 'missing')}, not {own.get(name, 'of the network')}"
            for name in {**own, **found}
            if own.get(name) != found.get(name)
        ]
        if wrong:
            raise ValueError(f"{checkpoint} does not fit EfficientNet: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)
