"""MobileNetV2, compiled by onnx2ms 0.1.0.

From mobilenet_v2.onnx (opset 20, pytorch 2.14.1+cu130).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from pathlib import Path

import mindspore as ms
from mindspore import nn, ops

WEIGHTS = Path(__file__).with_name("model.ckpt")


class Conv2dNormActivation(nn.SequentialCell):
    def __init__(
        self, in_channels: int, width: int, kernel_size: int, stride: int = 1, group: int = 1
    ):
        super().__init__(
            nn.Conv2d(
                in_channels,
                width,
                kernel_size,
                stride=stride,
                pad_mode="pad",
                padding=kernel_size // 2,
                group=group,
            ),
            nn.BatchNorm2d(width),
            nn.ReLU6(),
        )


class PlainInvertedResidual(nn.Cell):
    def __init__(self):
        super().__init__()
        self.conv = nn.SequentialCell(
            Conv2dNormActivation(32, 32, 3, group=32), nn.Conv2d(32, 16, 1), nn.BatchNorm2d(16)
        )

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return self.conv(x)


class InvertedResidual(nn.Cell):
    def __init__(self, in_channels: int, width: int, stride: int = 1, residual: bool = True):
        super().__init__()
        self.conv = nn.SequentialCell(
            Conv2dNormActivation(in_channels, 6 * in_channels, 1),
            Conv2dNormActivation(
                6 * in_channels, 6 * in_channels, 3, stride=stride, group=6 * in_channels
            ),
            nn.Conv2d(6 * in_channels, width, 1),
            nn.BatchNorm2d(width),
        )
        self.residual = residual

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        out = self.conv(x)
        return x + out if self.residual else out


class MobileNetV2(nn.Cell):
    def __init__(self):
        super().__init__()
        self.features = nn.SequentialCell(
            Conv2dNormActivation(3, 32, 3, stride=2),
            PlainInvertedResidual(),
            InvertedResidual(16, 24, stride=2, residual=False),
            InvertedResidual(24, 24),
            InvertedResidual(24, 32, stride=2, residual=False),
            InvertedResidual(32, 32),
            InvertedResidual(32, 32),
            InvertedResidual(32, 64, stride=2, residual=False),
            *[InvertedResidual(64, 64) for _ in range(3)],
            InvertedResidual(64, 96, residual=False),
            InvertedResidual(96, 96),
            InvertedResidual(96, 96),
            InvertedResidual(96, 160, stride=2, residual=False),
            InvertedResidual(160, 160),
            InvertedResidual(160, 160),
            InvertedResidual(160, 320, residual=False),
            Conv2dNormActivation(320, 1280, 1),
        )
        self.classifier = nn.SequentialCell(nn.Dense(1280, 1000))

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = ops.flatten(ops.mean(self.features(x), (-1, -2), keep_dims=True))
        return self.classifier(x)


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = MobileNetV2()
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
            raise ValueError(f"{checkpoint} does not fit MobileNetV2: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)
