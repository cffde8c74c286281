"""DynHfGpt2, compiled by onnx2ms 0.1.0.

From dyn_hf_gpt2.onnx (opset 17, pytorch 2.14.1).
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


class Attention(nn.Cell):
    def __init__(self):
        super().__init__()
        self.c_attn = nn.Dense(32, 96)
        self.c_proj = nn.Dense(32, 32)

    def construct(self, x: ms.Tensor, mask: ms.Tensor) -> ms.Tensor:
        batch, seq, _ = x.shape
        query, key, value = ops.split(self.c_attn(x), 32, axis=2)
        value = value.reshape(batch, seq, -1, 8).swapaxes(1, 2)
        query = query.reshape(batch, seq, -1, 8).swapaxes(1, 2)
        key = key.reshape(batch, seq, -1, 8).swapaxes(1, 2)
        x = dot_product_attention(query, key, value, mask=mask)
        x = x.swapaxes(1, 2).reshape(batch, seq, -1)
        return self.c_proj(x)


class Mlp(nn.Cell):
    def __init__(self):
        super().__init__()
        self.c_fc = nn.Dense(32, 128)
        self.c_proj = nn.Dense(128, 32)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        x = ops.gelu(self.c_fc(x), approximate="tanh")
        return self.c_proj(x)


class TransformerBlock(nn.Cell):
    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm((32,), epsilon=1e-05)
        self.attn = Attention()
        self.ln_2 = nn.LayerNorm((32,), epsilon=1e-05)
        self.mlp = Mlp()

    def construct(self, x: ms.Tensor, mask: ms.Tensor) -> ms.Tensor:
        x = self.attn(self.ln_1(x), mask) + x
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Cell):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(128, 32)
        self.wpe = nn.Embedding(64, 32)
        self.h = nn.CellList([TransformerBlock(), TransformerBlock()])
        self.ln_f = nn.LayerNorm((32,), epsilon=1e-05)

    def construct(self, input_ids: ms.Tensor, attention_mask: ms.Tensor) -> ms.Tensor:
        seq = input_ids.shape[1]
        x = self.wte(input_ids) + self.wpe(ops.arange(seq, dtype=ms.int64).unsqueeze(0))
        mask = (
            ops.tril(ops.ones((seq, seq), ms.bool_))
            & attention_mask.astype(ms.bool_)[:, None, None]
        )
        for h in self.h:
            x = h(x, mask)
        return self.ln_f(x)


class Model(nn.Cell):
    def __init__(self):
        super().__init__()
        self.transformer = Transformer()
        self.lm_head = nn.Dense(32, 128, has_bias=False)

    def construct(self, input_ids: ms.Tensor, attention_mask: ms.Tensor) -> ms.Tensor:
        x = self.transformer(input_ids, attention_mask)
        return self.lm_head(x)


class DynHfGpt2(nn.Cell):
    def __init__(self):
        super().__init__()
        self.model = Model()

    def construct(self, input_ids: ms.Tensor, attention_mask: ms.Tensor) -> ms.Tensor:
        return self.model(input_ids, attention_mask)


def build_model(checkpoint: str | Path | None = WEIGHTS) -> nn.Cell:
    """Build the network in inference mode and load its weights; None leaves them initialized."""
    net = DynHfGpt2()
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
            raise ValueError(f"{checkpoint} does not fit DynHfGpt2: {'; '.join(wrong)}")
        ms.load_param_into_net(net, weights, strict_load=True)
    return net.set_train(False)


def dynamic_inputs() -> tuple[ms.Tensor, ...]:
    """Shapes for GRAPH mode: `net.set_inputs(*dynamic_inputs())` compiles once for all sizes."""
    return (
        ms.Tensor(shape=[None, None], dtype=ms.int64),
        ms.Tensor(shape=[None, None], dtype=ms.int64),
    )
