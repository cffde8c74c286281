"""Networks of attention."""

import torch
from torch import nn
from torch.nn import functional

from .making import Made, image, made, tokens


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.head = heads, width // heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x, causal=False):
        b, n, c = x.shape
        q, k, v = (
            self.qkv(x).reshape(b, n, 3, self.heads, self.head).permute(2, 0, 3, 1, 4).unbind(0)
        )
        out = functional.scaled_dot_product_attention(
            q, k, v, is_causal=causal, dropout_p=0.1 * self.training
        )
        return self.proj(out.transpose(1, 2).reshape(b, n, c))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * width, width)
        )

    def forward(self, x, causal=False):
        x = x + self.attn(self.norm1(x), causal)
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch_embed = nn.Conv2d(3, 16, 4, 4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 16))
        self.pos_embed = nn.Parameter(torch.zeros(1, 17, 16))
        self.blocks = nn.ModuleList([Block(16, 2), Block(16, 2)])
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.word = nn.Embedding(40, 16)
        self.position = nn.Embedding(8, 16)
        self.norm = nn.LayerNorm(16, eps=1e-12)
        self.query, self.key, self.value = (nn.Linear(16, 16) for _ in range(3))
        self.dense = nn.Linear(16, 16)
        self.attention_norm = nn.LayerNorm(16, eps=1e-12)
        self.intermediate, self.output = nn.Linear(16, 32), nn.Linear(32, 16)
        self.output_norm = nn.LayerNorm(16, eps=1e-12)
        self.pooler = nn.Linear(16, 16)

    def forward(self, ids, attention_mask):
        x = self.norm(self.word(ids) + self.position.weight[: ids.shape[1]])
        q, k, v = (
            layer(x).view(2, 8, 2, 8).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        scores = (
            q @ k.transpose(-1, -2) / 8**0.5 + (1 - attention_mask[:, None, None].float()) * -1e4
        )
        context = (functional.dropout(scores.softmax(-1), 0.1, self.training) @ v).transpose(1, 2)
        x = self.attention_norm(x + self.dense(context.reshape(2, 8, 16)))
        x = self.output_norm(x + self.output(functional.gelu(self.intermediate(x))))
        return x, torch.tanh(self.pooler(x[:, 0]))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(40, 16), nn.Embedding(8, 16)
        self.h = nn.ModuleList([Block(16, 4), Block(16, 4)])
        self.ln_f = nn.LayerNorm(16)
        self.lm_head = nn.Linear(16, 40, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
        for block in self.h:
            x = block(x, causal=True)
        return self.lm_head(self.ln_f(x))


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class Llama(nn.Module):
    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(40, 16)
        self.norm1, self.norm2, self.norm = RMSNorm(16), RMSNorm(16), RMSNorm(16)
        self.q_proj, self.o_proj = (nn.Linear(16, 16, bias=False) for _ in range(2))
        self.k_proj, self.v_proj = (nn.Linear(16, 8, bias=False) for _ in range(2))
        self.gate_proj, self.up_proj = (nn.Linear(16, 32, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(32, 16, bias=False)
        self.lm_head = nn.Linear(16, 40, bias=False)
        angles = torch.arange(8)[:, None] * 100.0 ** (-torch.arange(2) / 2)
        self.register_buffer("cos", torch.cat([angles, angles], -1).cos(), persistent=False)
        self.register_buffer("sin", torch.cat([angles, angles], -1).sin(), persistent=False)

    def rotate(self, x):
        half = torch.cat([-x[..., 2:], x[..., :2]], -1)
        return x * self.cos + half * self.sin

    def forward(self, ids):
        x = self.embed_tokens(ids)
        y = self.norm1(x)
        q = self.rotate(self.q_proj(y).view(2, 8, 4, 4).transpose(1, 2))
        k = self.rotate(self.k_proj(y).view(2, 8, 2, 4).transpose(1, 2)).repeat_interleave(2, 1)
        v = self.v_proj(y).view(2, 8, 2, 4).transpose(1, 2).repeat_interleave(2, 1)
        mask = torch.full((8, 8), float("-inf")).triu(1)
        y = ((q @ k.transpose(2, 3) / 2 + mask).softmax(-1) @ v).transpose(1, 2).reshape(2, 8, 16)
        x = x + self.o_proj(y)
        y = self.norm2(x)
        x = x + self.down_proj(functional.silu(self.gate_proj(y)) * self.up_proj(y))
        return self.lm_head(self.norm(x))


class Window(nn.Module):
    """Attention in shifted windows with a learned bias by distance, as Swin has it."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 2, 2)
        self.norm = nn.LayerNorm(16)
        self.attn = Attention(16, 2)
        self.merge = nn.Linear(64, 32, bias=False)
        self.head = nn.Linear(512, 6)

    def forward(self, x):
        x = self.patch(x).permute(0, 2, 3, 1)
        y = torch.roll(self.norm(x), (-2, -2), (1, 2))
        y = y.view(2, 2, 4, 2, 4, 16).permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, 16)
        y = self.attn(y).view(2, 2, 2, 4, 4, 16).permute(0, 1, 3, 2, 4, 5).reshape(2, 8, 8, 16)
        x = x + torch.roll(y, (2, 2), (1, 2))
        parts = [x[:, i::2, j::2] for j in range(2) for i in range(2)]
        return self.head(self.merge(torch.cat(parts, -1)).flatten(1))


def vit() -> Made:
    return made(ViT(), image())


def bert() -> Made:
    return made(Bert(), tokens(), torch.ones(2, 8, dtype=torch.int64))


def gpt() -> Made:
    return made(Gpt(), tokens())


def llama() -> Made:
    return made(Llama(), tokens())


def window() -> Made:
    return made(Window(), image())
