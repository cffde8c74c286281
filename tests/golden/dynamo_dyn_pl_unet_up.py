"""UNet, compiled by onnx2ms 0.1.0.

From dyn_pl_unet_up.onnx (opset 20, pytorch 2.14.1+cu130).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from pathlib import Path

import mindspore as ms
from mindspore import nn, ops

WEIGHTS = Path(__file__).with_name("model.ckpt")


class U(nn.Cell):
    def __init__(self):
        super().__init__()
        self.layer_1 = nn.Conv2d(32, 16, 1, has_bias=True)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        _, _, height, width = x.shape
        x = ops.interpolate(x, (2 * height, 2 * width), mode="bilinear", align_corners=True)
        return self.layer_1(x)


class FirstU(nn.Cell):
    def __init__(self):
        super().__init__()
        self.layer_1 = nn.Conv2d(16, 8, 1, has_bias=True)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        _, _, height, width = x.shape
        x = ops.interpolate(x, (2 * height, 2 * width))
        return self.layer_1(x)


class UNet(nn.Cell):
    def __init__(self):
        super().__init__()
        self.d1 = nn.SequentialCell(
            nn.Conv2d(3, 8, 3, pad_mode="pad", padding=1, has_bias=True), nn.ReLU()
        )
        self.pool1 = nn.MaxPool2d(2, stride=2)
        self.d2 = nn.SequentialCell(
            nn.Conv2d(8, 16, 3, pad_mode="pad", padding=1, has_bias=True), nn.ReLU()
        )
        self.pool2 = nn.MaxPool2d(2, stride=2)
        self.m = nn.SequentialCell(
            nn.Conv2d(16, 32, 3, pad_mode="pad", padding=1, has_bias=True), nn.ReLU()
        )
        self.u2 = U()
        self.c2 = nn.SequentialCell(
            nn.Conv2d(32, 16, 3, pad_mode="pad", padding=1, has_bias=True), nn.ReLU()
        )
        self.u1 = FirstU()
        self.c1 = nn.SequentialCell(
            nn.Conv2d(16, 8, 3, pad_mode="pad", padding=1, has_bias=True), nn.ReLU()
        )
        self.o = nn.Conv2d(8, 2, 1, has_bias=True)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        _, _, height, width = x.shape
        if (height // 2) % 2 != 0:
            raise ValueError(f"height // 2 must be a multiple of 2, not {height // 2}")
        if (width // 2) % 2 != 0:
            raise ValueError(f"width // 2 must be a multiple of 2, not {width // 2}")
        if height % 2 != 0:
            raise ValueError(f"height must be a multiple of 2, not {height}")
        if width % 2 != 0:
            raise ValueError(f"width must be a multiple of 2, not {width}")
        x = self.d1(x)
        out = self.pool1(x)
        out = self.d2(out)
        pool2 = self.pool2(out)
        m = self.m(pool2)
        out = ops.cat((self.u2(m), out), axis=1)
        out = self.c2(out)
        x = ops.cat((self.u1(out), x), axis=1)
        x = self.c1(x)
        return self.o(x)


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = UNet()
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
            raise ValueError(f"{checkpoint} does not fit UNet: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)


def dynamic_inputs() -> tuple[ms.Tensor, ...]:
    """Shapes for GRAPH mode: `net.set_inputs(*dynamic_inputs())` compiles once for all sizes."""
    return (ms.Tensor(shape=[None, 3, None, None], dtype=ms.float32),)
