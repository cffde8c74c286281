"""Densenet121, compiled by onnx2ms 0.1.0.

From densenet121.onnx (opset 17, pytorch 2.14.1).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from pathlib import Path

import mindspore as ms
from mindspore import nn, ops

WEIGHTS = Path(__file__).with_name("model.ckpt")


class Denselayer(nn.Cell):
    def __init__(self, width: int):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(width, 128, 1)
        self.norm2 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128, 32, 3, pad_mode="pad", padding=1)

    def construct(self, *features: ms.Tensor) -> ms.Tensor:
        x = ops.cat(features, axis=1)
        x = ops.relu(self.norm1(x))
        x = ops.relu(self.norm2(self.conv1(x)))
        return self.conv2(x)


class Denseblock(nn.Cell):
    def __init__(self, width: int, depth: int):
        super().__init__()
        self.denselayers = nn.CellList([Denselayer(width + 32 * i) for i in range(depth)])

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        features = (x,)
        for denselayer in self.denselayers:
            features += (denselayer(*features),)
        return ops.cat(features, axis=1)


class BnReluConvPool(nn.Cell):
    def __init__(self, out_channels: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(2 * out_channels)
        self.conv = nn.Conv2d(2 * out_channels, out_channels, 1)
        self.pool = nn.AvgPool2d(2, stride=2)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = ops.relu(self.norm(x))
        return self.pool(self.conv(x))


class Features(nn.Cell):
    def __init__(self):
        super().__init__()
        self.conv0 = nn.Conv2d(3, 64, 7, stride=2, pad_mode="pad", padding=3)
        self.norm0 = nn.BatchNorm2d(64)
        self.pool0 = nn.MaxPool2d(3, stride=2, pad_mode="pad", padding=1)
        self.denseblock1 = Denseblock(64, 6)
        self.transition1 = BnReluConvPool(128)
        self.denseblock2 = Denseblock(128, 12)
        self.transition2 = BnReluConvPool(256)
        self.denseblock3 = Denseblock(256, 24)
        self.transition3 = BnReluConvPool(512)
        self.denseblock4 = Denseblock(512, 16)
        self.norm5 = nn.BatchNorm2d(1024)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = ops.relu(self.norm0(self.conv0(x)))
        x = self.pool0(x)
        x = self.denseblock1(x)
        x = self.transition1(x)
        x = self.denseblock2(x)
        x = self.transition2(x)
        x = self.denseblock3(x)
        x = self.transition3(x)
        x = self.denseblock4(x)
        return self.norm5(x)


class Densenet121(nn.Cell):
    def __init__(self):
        super().__init__()
        self.features = Features()
        self.classifier = nn.Dense(1024, 1000)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = ops.flatten(ops.mean(ops.relu(self.features(x)), (2, 3), keep_dims=True))
        return self.classifier(x)


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = Densenet121()
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
            raise ValueError(f"{checkpoint} does not fit Densenet121: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)
