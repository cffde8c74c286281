"""VisionTransformer, compiled by onnx2ms 0.1.0.

From tv_vit_small.onnx (opset 20, pytorch 2.14.1+cu130).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from collections import OrderedDict
from pathlib import Path

import mindspore as ms
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer

WEIGHTS = Path(__file__).with_name("model.ckpt")

FLASH_ATTENTION = False
"""True on Ascend: attention by its fused kernel, in half precision; a CPU has no such kernel."""


def dot_product_attention(query: ms.Tensor, key: ms.Tensor, value: ms.Tensor) -> ms.Tensor:
    """Return softmax(scale * query @ key') @ value."""
    scale = query.shape[-1] ** -0.5
    if FLASH_ATTENTION and query.ndim == 4:
        return ops.flash_attention_score(
            query, key, value, query.shape[1], scalar_value=scale, input_layout="BNSD"
        )
    scores = query * scale @ key.swapaxes(-1, -2)
    weights = ops.softmax(scores, axis=-1)
    return weights @ value


class MultiheadAttention(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(64, 192)
        self.out_proj = nn.Dense(64, 64)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = self.fc(x.swapaxes(0, 1)).reshape(-1, 1, 3, 64)
        query = x[:, :, 0].reshape(-1, 1, 4, 16).transpose(1, 2, 0, 3)
        value = x[:, :, 2].reshape(-1, 1, 4, 16).transpose(1, 2, 0, 3)
        key = x[:, :, 1].reshape(-1, 1, 4, 16).transpose(1, 2, 0, 3)
        x = dot_product_attention(query, key, value)
        x = x.transpose(2, 0, 1, 3).reshape(-1, 1, 64)
        return self.out_proj(x).swapaxes(0, 1)


class MLPBlock(nn.SequentialCell):
    def __init__(self):
        super().__init__(nn.Dense(64, 128), nn.GELU(approximate=False), nn.Dense(128, 64))


class EncoderBlock(nn.Cell):
    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm((64,), epsilon=1e-06)
        self.self_attention = MultiheadAttention()
        self.ln_2 = nn.LayerNorm((64,), epsilon=1e-06)
        self.mlp = MLPBlock()

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = self.self_attention(self.ln_1(x)) + x
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Cell):
    def __init__(self):
        super().__init__()
        self.pos_embedding = Parameter(initializer("zeros", (1, 17, 64), ms.float32))
        self.layers = nn.SequentialCell(
            OrderedDict((f"encoder_layer_{i}", EncoderBlock()) for i in range(3))
        )
        self.ln = nn.LayerNorm((64,), epsilon=1e-06)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = x + self.pos_embedding
        x = self.layers(x)
        return self.ln(x)


class Heads(nn.Cell):
    def __init__(self):
        super().__init__()
        self.head = nn.Dense(64, 10)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return self.head(x)


class VisionTransformer(nn.Cell):
    def __init__(self):
        super().__init__()
        self.constant = Parameter(initializer("zeros", (1, 1, 64), ms.float32), requires_grad=False)
        self.conv_proj = nn.Conv2d(3, 64, 16, stride=16, pad_mode="valid", has_bias=True)
        self.encoder = Encoder()
        self.heads = Heads()

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = ops.cat((self.constant, self.conv_proj(x).reshape(-1, 64, 16).swapaxes(1, 2)), axis=1)
        x = self.encoder(x)
        x = x[:, 0]
        return self.heads(x)


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = VisionTransformer()
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
            raise ValueError(f"{checkpoint} does not fit VisionTransformer: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)
