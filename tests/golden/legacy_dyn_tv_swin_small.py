"""DynTvSwinSmall, compiled by onnx2ms 0.1.0.

From dyn_tv_swin_small.onnx (opset 17, pytorch 2.14.1).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from pathlib import Path

import mindspore as ms
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer

WEIGHTS = Path(__file__).with_name("model.ckpt")

FLASH_ATTENTION = False
"""True on Ascend: attention by its fused kernel, in half precision; a CPU has no such kernel."""


def dot_product_attention(
    query: ms.Tensor, key: ms.Tensor, value: ms.Tensor, bias: ms.Tensor
) -> ms.Tensor:
    """Return softmax(scale * query @ key' + bias) @ value."""
    scale = query.shape[-1] ** -0.5
    if FLASH_ATTENTION and query.ndim == 4:
        shape = query.shape[:3] + key.shape[2:3]
        shift = bias.broadcast_to(shape)
        return ops.flash_attention_score(
            query, key, value, shape[1], real_shift=shift, scalar_value=scale, input_layout="BNSD"
        )
    scores = query * scale @ key.swapaxes(-1, -2) + bias
    weights = ops.softmax(scores, axis=-1)
    return weights @ value


def roll_axes(x: ms.Tensor, shifts: tuple[int, ...], axes: tuple[int, ...]) -> ms.Tensor:
    """Return a tensor with its elements moved on along axes, those at the end to the start."""
    for i, axis in enumerate(axes):
        size = x.shape[axis]
        first, last = ops.split(x, (-shifts[i] % size, shifts[i] % size), axis=axis)
        x = ops.cat((last, first), axis=axis)
    return x


class PatchEmbed(nn.Cell):
    def __init__(self):
        super().__init__()
        self.layer_0 = nn.Conv2d(3, 24, 4, stride=4, pad_mode="valid", has_bias=True)
        self.layer_2 = nn.LayerNorm((24,), epsilon=1e-05)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return self.layer_2(self.layer_0(x).transpose(0, 2, 3, 1))


class WindowAttention(nn.Cell):
    def __init__(self, windows: int, num_heads: int, rows: int, shifted: bool = False):
        super().__init__()
        self.bias = Parameter(
            initializer("zeros", (windows, num_heads, 49, 49), ms.float32), requires_grad=False
        )
        self.fc1 = nn.Dense(12 * num_heads, 36 * num_heads)
        self.fc2 = nn.Dense(12 * num_heads, 12 * num_heads)
        self.rows = rows
        self.num_heads = num_heads
        self.shifted = shifted

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        batch = x.shape[0]
        x = roll_axes(x, (-3, -3), (1, 2)) if self.shifted else x
        x = (
            x.reshape(-1, self.rows, 7, self.rows, 7, 12 * self.num_heads)
            .swapaxes(2, 3)
            .reshape(-1, 49, 12 * self.num_heads)
        )
        x = self.fc1(x).reshape(-1, 49, 3, self.num_heads, 12).transpose(2, 0, 3, 1, 4)
        bias = ops.tile(self.bias, (batch, 1, 1, 1)) if self.shifted else self.bias
        x = dot_product_attention(x[0], x[1], x[2], bias=bias)
        x = x.swapaxes(1, 2).reshape(-1, 49, 12 * self.num_heads)
        x = self.fc2(x).reshape(-1, self.rows, self.rows, 7, 7, 12 * self.num_heads).swapaxes(2, 3)
        x = x.reshape(-1, 7 * self.rows, 7 * self.rows, 12 * self.num_heads)
        return roll_axes(x, (3, 3), (1, 2)) if self.shifted else x


class TransformerBlock(nn.Cell):
    def __init__(self, windows: int, num_heads: int, rows: int, shifted: bool = False):
        super().__init__()
        self.norm1 = nn.LayerNorm((12 * num_heads,), epsilon=1e-05)
        self.attn = WindowAttention(windows, num_heads, rows, shifted=shifted)
        self.norm2 = nn.LayerNorm((12 * num_heads,), epsilon=1e-05)
        self.mlp = nn.SequentialCell(
            nn.Dense(12 * num_heads, 48 * num_heads),
            nn.GELU(approximate=False),
            nn.Dense(48 * num_heads, 12 * num_heads),
        )

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Cell):
    def __init__(self, rows: int, channels: int):
        super().__init__()
        self.norm = nn.LayerNorm((4 * channels,), epsilon=1e-05)
        self.reduction = nn.Dense(4 * channels, 2 * channels, has_bias=False)
        self.rows = rows
        self.channels = channels

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = x.reshape(-1, self.rows, 2, self.rows, 2, self.channels).transpose(0, 1, 3, 4, 2, 5)
        x = x.reshape(-1, self.rows, self.rows, 4 * self.channels)
        return self.reduction(self.norm(x))


class DynTvSwinSmall(nn.Cell):
    def __init__(self):
        super().__init__()
        self.features = nn.SequentialCell(
            PatchEmbed(),
            nn.SequentialCell(TransformerBlock(1, 2, 4), TransformerBlock(16, 2, 4, shifted=True)),
            PatchMerging(14, 24),
            nn.SequentialCell(TransformerBlock(1, 4, 2), TransformerBlock(4, 4, 2, shifted=True)),
            PatchMerging(7, 48),
            nn.SequentialCell(TransformerBlock(1, 8, 1), TransformerBlock(1, 8, 1)),
        )
        self.norm = nn.LayerNorm((96,), epsilon=1e-05)
        self.head = nn.Dense(96, 10)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = self.features(x)
        x = ops.flatten(ops.mean(self.norm(x).transpose(0, 3, 1, 2), (2, 3), keep_dims=True))
        return self.head(x)


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = DynTvSwinSmall()
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
            raise ValueError(f"{checkpoint} does not fit DynTvSwinSmall: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)


def dynamic_inputs() -> tuple[ms.Tensor, ...]:
    """Shapes for GRAPH mode: `net.set_inputs(*dynamic_inputs())` compiles once for all sizes."""
    return (ms.Tensor(shape=[None, 3, 112, 112], dtype=ms.float32),)
