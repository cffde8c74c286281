"""A small vision transformer in plain PyTorch: its class token and positions are trained."""

import sys

import torch
from torch import nn

import onnx2ms


class VisionTransformer(nn.Module):
    def __init__(self, size=32, patch=8, width=32, heads=4, layers=2, classes=10):
        super().__init__()
        self.patch = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.1, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, images):
        x = self.patch(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.encoder(x))[:, 0])


def build():
    return VisionTransformer(), torch.rand(2, 3, 32, 32)


def main(folder="vit_mindspore", verify="both"):
    return onnx2ms.from_torch(*build(), folder, verify=verify)


if __name__ == "__main__":
    print(main(*sys.argv[1:2]).source)
