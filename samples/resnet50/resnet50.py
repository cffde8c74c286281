"""ResNet-50 in plain PyTorch, a quarter as wide, for any batch and size."""

import sys

import torch
from torch import nn

import onnx2ms


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs, self.relu, self.downsample = 4 * width, nn.ReLU(), None
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2, self.bn3 = nn.BatchNorm2d(width), nn.BatchNorm2d(outputs)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + identity)


class ResNet50(nn.Module):
    def __init__(self, width=16, classes=10):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        inputs = width
        for i, count in enumerate((3, 4, 6, 3)):
            first = Bottleneck(inputs, width << i, 2 if i else 1)
            inputs = 4 * width << i
            rest = [Bottleneck(inputs, width << i, 1) for _ in range(count - 1)]
            self.add_module(f"layer{i + 1}", nn.Sequential(first, *rest))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.layer1(self.pool(self.relu(self.bn1(self.conv1(x)))))
        x = self.layer4(self.layer3(self.layer2(x)))
        return self.fc(x.mean((2, 3)))


def build():
    return ResNet50(), torch.rand(1, 3, 64, 64)


def main(folder="resnet50_mindspore", verify="both"):
    sizes = "batch", 3, "height", "width"
    return onnx2ms.from_torch(*build(), folder, dynamic={"x": sizes}, verify=verify)


if __name__ == "__main__":
    print(main(*sys.argv[1:2]).source)
