"""Densenet121, compiled by onnx2ms 0.1.0.

From densenet121.onnx (opset 17, 2.14.1).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from pathlib import Path

import mindspore as ms
from mindspore import nn, ops

WEIGHTS = Path(__file__).with_name("model.ckpt")


class Layer(nn.Cell):
    def __init__(self, width: int):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(width, 128, 1)
        self.bn2 = nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128, 32, 3, pad_mode="pad", padding=1)

    def construct(self, *features: ms.Tensor) -> ms.Tensor:
        x = ops.cat(features, axis=1)
        x = ops.relu(self.bn1(x))
        x = ops.relu(self.bn2(self.conv1(x)))
        return self.conv2(x)


class DenseBlock(nn.Cell):
    def __init__(self, width: int, depth: int):
        super().__init__()
        self.layers = nn.CellList([Layer(width + 32 * i) for i in range(depth)])

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        features = (x,)
        for layer in self.layers:
            features += (layer(*features),)
        return ops.cat(features, axis=1)


class Densenet121(nn.Cell):
    def __init__(self):
        super().__init__()
        self.features1 = nn.SequentialCell(
            nn.Conv2d(3, 64, 7, stride=2, pad_mode="pad", padding=3),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, pad_mode="pad", padding=1),
        )
        self.dense_block1 = DenseBlock(64, 6)
        self.features2 = nn.SequentialCell(
            nn.BatchNorm2d(256), nn.ReLU(), nn.Conv2d(256, 128, 1), nn.AvgPool2d(2, stride=2)
        )
        self.dense_block2 = DenseBlock(128, 12)
        self.features3 = nn.SequentialCell(
            nn.BatchNorm2d(512), nn.ReLU(), nn.Conv2d(512, 256, 1), nn.AvgPool2d(2, stride=2)
        )
        self.dense_block3 = DenseBlock(256, 24)
        self.features4 = nn.SequentialCell(
            nn.BatchNorm2d(1024), nn.ReLU(), nn.Conv2d(1024, 512, 1), nn.AvgPool2d(2, stride=2)
        )
        self.dense_block4 = DenseBlock(512, 16)
        self.bn = nn.BatchNorm2d(1024)
        self.fc = nn.Dense(1024, 1000)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = self.features1(x)
        x = self.dense_block1(x)
        x = self.features2(x)
        x = self.dense_block2(x)
        x = self.features3(x)
        x = self.dense_block3(x)
        x = self.features4(x)
        x = self.dense_block4(x)
        x = ops.flatten(ops.mean(ops.relu(self.bn(x)), (2, 3), keep_dims=True))
        return self.fc(x)


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
