"""A small BERT in plain PyTorch: attention with a mask, a tied head, a dictionary returned."""

import sys

import torch
from torch import nn
from torch.nn import functional

import onnx2ms


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output, self.up = nn.Linear(width, width), nn.Linear(width, 4 * width)
        self.down, self.dropout = nn.Linear(4 * width, width), nn.Dropout(0.1)
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-12), nn.LayerNorm(width, 1e-12)

    def forward(self, x, mask):
        batch, length, width = x.shape
        shape = batch, length, self.heads, width // self.heads
        q, k, v = (f(x).view(shape).transpose(1, 2) for f in (self.query, self.key, self.value))
        scores = q @ k.transpose(-1, -2) / shape[-1] ** 0.5 + mask
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
        x = self.norm1(x + self.dropout(self.output(mixed)))
        return self.norm2(x + self.dropout(self.down(functional.gelu(self.up(x)))))


class Bert(nn.Module):
    def __init__(self, words=100, width=32, heads=4, layers=2, longest=64):
        super().__init__()
        self.word, self.position = nn.Embedding(words, width), nn.Embedding(longest, width)
        self.norm, self.dropout = nn.LayerNorm(width, 1e-12), nn.Dropout(0.1)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.pooler, self.head = nn.Linear(width, width), nn.Linear(width, words)
        self.head.weight = self.word.weight

    def forward(self, input_ids, attention_mask):
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.dropout(self.norm(self.word(input_ids) + self.position(places)))
        mask = (1.0 - attention_mask[:, None, None].float()) * -1e9
        for layer in self.layers:
            x = layer(x, mask)
        return {"logits": self.head(x), "pooled": torch.tanh(self.pooler(x[:, 0]))}


def build():
    ids = torch.arange(24).reshape(2, 12)
    return Bert(), {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def main(folder="bert_mindspore", verify="both"):
    return onnx2ms.from_torch(*build(), folder, verify=verify)


if __name__ == "__main__":
    print(main(*sys.argv[1:2]).source)
