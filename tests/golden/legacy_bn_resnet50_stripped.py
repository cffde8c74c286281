"""Resnet50, compiled by onnx2ms 0.1.0.

From resnet50.onnx (opset 17, 2.14.1).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from pathlib import Path

import mindspore as ms
from mindspore import nn, ops

WEIGHTS = Path(__file__).with_name("model.ckpt")


class Bottleneck(nn.Cell):
    def __init__(
        self, in_channels: int, width: int, stride: int = 1, downsample: nn.Cell | None = None
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, pad_mode="pad", padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = downsample

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        out = ops.relu(self.bn1(self.conv1(x)))
        out = ops.relu(self.bn2(self.conv2(out)))
        identity = x if self.downsample is None else self.downsample(x)
        return ops.relu(self.bn3(self.conv3(out)) + identity)


class Resnet50(nn.Cell):
    def __init__(self):
        super().__init__()
        self.features = nn.SequentialCell(
            nn.Conv2d(3, 64, 7, stride=2, pad_mode="pad", padding=3),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, pad_mode="pad", padding=1),
        )
        self.blocks = nn.SequentialCell(
            Bottleneck(
                64, 64, downsample=nn.SequentialCell(nn.Conv2d(64, 256, 1), nn.BatchNorm2d(256))
            ),
            Bottleneck(256, 64),
            Bottleneck(256, 64),
            Bottleneck(
                256,
                128,
                stride=2,
                downsample=nn.SequentialCell(nn.Conv2d(256, 512, 1, stride=2), nn.BatchNorm2d(512)),
            ),
            *[Bottleneck(512, 128) for _ in range(3)],
            Bottleneck(
                512,
                256,
                stride=2,
                downsample=nn.SequentialCell(
                    nn.Conv2d(512, 1024, 1, stride=2), nn.BatchNorm2d(1024)
                ),
            ),
            *[Bottleneck(1024, 256) for _ in range(5)],
            Bottleneck(
                1024,
                512,
                stride=2,
                downsample=nn.SequentialCell(
                    nn.Conv2d(1024, 2048, 1, stride=2), nn.BatchNorm2d(2048)
                ),
            ),
            Bottleneck(2048, 512),
            Bottleneck(2048, 512),
        )
        self.fc = nn.Dense(2048, 1000)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = self.features(x)
        x = ops.flatten(ops.mean(self.blocks(x), (2, 3), keep_dims=True))
        return self.fc(x)


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = Resnet50()
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
            raise ValueError(f"{checkpoint} does not fit Resnet50: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)
