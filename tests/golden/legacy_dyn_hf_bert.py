"""DynHfBert, compiled by onnx2ms 0.1.0.

From dyn_hf_bert.onnx (opset 17, pytorch 2.14.1).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from pathlib import Path

import mindspore as ms
from mindspore import nn, ops

WEIGHTS = Path(__file__).with_name("model.ckpt")

FLASH_ATTENTION = False
"""True on Ascend: attention by its fused kernel, in half precision; a CPU has no such kernel."""


def dot_product_attention(
    query: ms.Tensor, key: ms.Tensor, value: ms.Tensor, mask: ms.Tensor
) -> ms.Tensor:
    """Return softmax(scale * query @ key') @ value over the keys that the mask shows."""
    scale = query.shape[-1] ** -0.5
    if FLASH_ATTENTION and query.ndim == 4:
        shape = query.shape[:3] + key.shape[2:3]
        hidden = ~mask.broadcast_to(shape)
        return ops.flash_attention_score(
            query, key, value, shape[1], attn_mask=hidden, scalar_value=scale, input_layout="BNSD"
        )
    scores = query * scale @ key.swapaxes(-1, -2)
    scores = ops.where(mask, scores, -3.4e38)
    weights = ops.softmax(scores, axis=-1)
    weights = ops.where(mask, weights, 0.0)
    return weights @ value


class Embeddings(nn.Cell):
    def __init__(self):
        super().__init__()
        self.word_embeddings = nn.Embedding(128, 32)
        self.token_type_embeddings = nn.Embedding(2, 32)
        self.position_embeddings = nn.Embedding(64, 32)
        self.LayerNorm = nn.LayerNorm((32,), epsilon=1e-12)

    def construct(self, input_ids: ms.Tensor, token_type_ids: ms.Tensor) -> ms.Tensor:
        seq = input_ids.shape[1]
        return self.LayerNorm(
            self.word_embeddings(input_ids)
            + self.token_type_embeddings(token_type_ids)
            + self.position_embeddings(ops.arange(seq, dtype=ms.int64).unsqueeze(0))
        )


class SelfAttention(nn.Cell):
    def __init__(self):
        super().__init__()
        self.query = nn.Dense(32, 32)
        self.key = nn.Dense(32, 32)
        self.value = nn.Dense(32, 32)

    def construct(self, x: ms.Tensor, mask: ms.Tensor) -> ms.Tensor:
        batch, seq, _ = x.shape
        query = self.query(x).reshape(batch, seq, -1, 8).swapaxes(1, 2)
        value = self.value(x).reshape(batch, seq, -1, 8).swapaxes(1, 2)
        key = self.key(x).reshape(batch, seq, -1, 8).swapaxes(1, 2)
        x = dot_product_attention(query, key, value, mask=mask)
        return x.swapaxes(1, 2).reshape(batch, seq, -1)


class Output(nn.Cell):
    def __init__(self, in_channels: int):
        super().__init__()
        self.dense = nn.Dense(in_channels, 32)
        self.LayerNorm = nn.LayerNorm((32,), epsilon=1e-12)

    def construct(self, x: ms.Tensor, residual: ms.Tensor) -> ms.Tensor:
        return self.LayerNorm(self.dense(x) + residual)


class Attention(nn.Cell):
    def __init__(self):
        super().__init__()
        self.self_ = SelfAttention()
        self.output = Output(32)

    def construct(self, x: ms.Tensor, mask: ms.Tensor) -> ms.Tensor:
        out = self.self_(x, mask)
        return self.output(out, x)


class Intermediate(nn.Cell):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(32, 64)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return ops.gelu(self.dense(x))


class EncoderLayer(nn.Cell):
    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.intermediate = Intermediate()
        self.output = Output(64)

    def construct(self, x: ms.Tensor, mask: ms.Tensor) -> ms.Tensor:
        x = self.attention(x, mask)
        out = self.intermediate(x)
        return self.output(out, x)


class Encoder(nn.Cell):
    def __init__(self):
        super().__init__()
        self.layer = nn.CellList([EncoderLayer(), EncoderLayer()])

    def construct(self, x: ms.Tensor, mask: ms.Tensor) -> ms.Tensor:
        for layer in self.layer:
            x = layer(x, mask)
        return x


class Pooler(nn.Cell):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(32, 32)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return ops.tanh(self.dense(x[:, 0]))


class Model(nn.Cell):
    def __init__(self):
        super().__init__()
        self.embeddings = Embeddings()
        self.encoder = Encoder()
        self.pooler = Pooler()

    def construct(
        self, input_ids: ms.Tensor, token_type_ids: ms.Tensor, attention_mask: ms.Tensor
    ) -> tuple[ms.Tensor, ms.Tensor]:
        x = self.embeddings(input_ids, token_type_ids)
        mask = attention_mask.astype(ms.bool_)[:, None, None]
        x = self.encoder(x, mask)
        return x, self.pooler(x)


class DynHfBert(nn.Cell):
    def __init__(self):
        super().__init__()
        self.model = Model()

    def construct(
        self, input_ids: ms.Tensor, attention_mask: ms.Tensor, token_type_ids: ms.Tensor
    ) -> tuple[ms.Tensor, ms.Tensor]:
        seq = input_ids.shape[1]
        if seq > 64:
            raise ValueError(f"seq must be at most 64, not {seq}")
        encoder, pooler = self.model(input_ids, token_type_ids, attention_mask)
        return encoder, pooler


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = DynHfBert()
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
            raise ValueError(f"{checkpoint} does not fit DynHfBert: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)


def dynamic_inputs() -> tuple[ms.Tensor, ...]:
    """Shapes for GRAPH mode: `net.set_inputs(*dynamic_inputs())` compiles once for all sizes."""
    return (
        ms.Tensor(shape=[None, None], dtype=ms.int64),
        ms.Tensor(shape=[None, None], dtype=ms.int64),
        ms.Tensor(shape=[None, None], dtype=ms.int64),
    )
