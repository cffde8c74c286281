"""DynHfLlama, compiled by onnx2ms 0.1.0.

From dyn_hf_llama.onnx (opset 17, pytorch 2.14.1).
`build_model()` returns it in inference mode, with the weights beside this file.
"""

from pathlib import Path

import mindspore as ms
from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import initializer

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


def rotate_half(x: ms.Tensor) -> ms.Tensor:
    """Return the last axis with its halves exchanged, the second one negative."""
    half = x.shape[-1] // 2
    return ops.cat((-x[..., half:], x[..., :half]), axis=-1)


class RotaryEmb(nn.Cell):
    def __init__(self):
        super().__init__()
        self.scale = Tensor((1.0, 0.1, 0.01, 0.001), ms.float32)

    def construct(self, x: ms.Tensor) -> tuple[ms.Tensor, ms.Tensor]:
        x = x.unsqueeze(2).astype(ms.float32) * self.scale
        x = ops.cat((x, x), axis=-1)
        return ops.cos(x), ops.sin(x)


class RMSNorm(nn.Cell):
    def __init__(self):
        super().__init__()
        self.weight = Parameter(initializer("zeros", (32,), ms.float32))

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return x * ops.rsqrt(ops.mean(ops.square(x), -1, keep_dims=True) + 1e-06) * self.weight


class SelfAttention(nn.Cell):
    def __init__(self):
        super().__init__()
        self.q_proj = nn.Dense(32, 32, has_bias=False)
        self.k_proj = nn.Dense(32, 16, has_bias=False)
        self.v_proj = nn.Dense(32, 16, has_bias=False)
        self.o_proj = nn.Dense(32, 32, has_bias=False)

    def construct(self, x: ms.Tensor, cos: ms.Tensor, sin: ms.Tensor, mask: ms.Tensor) -> ms.Tensor:
        batch, seq, _ = x.shape
        query = self.q_proj(x).reshape(batch, seq, -1, 8).swapaxes(1, 2)
        key = self.k_proj(x).reshape(batch, seq, -1, 8).swapaxes(1, 2)
        query = query * cos + rotate_half(query) * sin
        key = ops.repeat_interleave(key * cos + rotate_half(key) * sin, 2, 1)
        value = ops.repeat_interleave(
            self.v_proj(x).reshape(batch, seq, -1, 8).swapaxes(1, 2), 2, 1
        )
        x = dot_product_attention(query, key, value, mask=mask)
        x = x.swapaxes(1, 2).reshape(batch, seq, -1)
        return self.o_proj(x)


class Mlp(nn.Cell):
    def __init__(self):
        super().__init__()
        self.gate_proj = nn.Dense(32, 64, has_bias=False)
        self.up_proj = nn.Dense(32, 64, has_bias=False)
        self.down_proj = nn.Dense(64, 32, has_bias=False)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return self.down_proj(ops.silu(self.gate_proj(x)) * self.up_proj(x))


class TransformerLayer(nn.Cell):
    def __init__(self):
        super().__init__()
        self.input_layernorm = RMSNorm()
        self.self_attn = SelfAttention()
        self.post_attention_layernorm = RMSNorm()
        self.mlp = Mlp()

    def construct(self, x: ms.Tensor, cos: ms.Tensor, sin: ms.Tensor, mask: ms.Tensor) -> ms.Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Model(nn.Cell):
    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(128, 32)
        self.rotary_emb = RotaryEmb()
        self.layers = nn.CellList([TransformerLayer(), TransformerLayer()])
        self.norm = RMSNorm()

    def construct(self, input_ids: ms.Tensor, attention_mask: ms.Tensor) -> ms.Tensor:
        seq = input_ids.shape[1]
        x = self.embed_tokens(input_ids)
        positions = ops.arange(seq, dtype=ms.int64).unsqueeze(0)
        mask = (
            ops.tril(ops.ones((seq, seq), ms.bool_))
            & attention_mask.astype(ms.bool_)[:, None, None]
        )
        cos, sin = self.rotary_emb(positions)
        cos = cos.unsqueeze(1)
        sin = sin.unsqueeze(1)
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return self.norm(x)


class ModelWithLmHead(nn.Cell):
    def __init__(self):
        super().__init__()
        self.model = Model()
        self.lm_head = nn.Dense(32, 128, has_bias=False)

    def construct(self, input_ids: ms.Tensor, attention_mask: ms.Tensor) -> ms.Tensor:
        x = self.model(input_ids, attention_mask)
        return self.lm_head(x)


class DynHfLlama(nn.Cell):
    def __init__(self):
        super().__init__()
        self.model = ModelWithLmHead()

    def construct(self, input_ids: ms.Tensor, attention_mask: ms.Tensor) -> ms.Tensor:
        return self.model(input_ids, attention_mask)


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = DynHfLlama()
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
            raise ValueError(f"{checkpoint} does not fit DynHfLlama: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)


def dynamic_inputs() -> tuple[ms.Tensor, ...]:
    """Shapes for GRAPH mode: `net.set_inputs(*dynamic_inputs())` compiles once for all sizes."""
    return (
        ms.Tensor(shape=[None, None], dtype=ms.int64),
        ms.Tensor(shape=[None, None], dtype=ms.int64),
    )
