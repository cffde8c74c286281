"""Networks of convolutions, over one, two and three axes."""

import torch
from torch import nn
from torch.nn import functional

from .making import Made, image, made


def conv_bn(inputs: int, outputs: int, kernel: int, **options) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False, **options)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = conv_bn(inputs, outputs, 1, stride=stride) if stride > 1 else None

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(out)) + identity)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(BasicBlock(8, 8), BasicBlock(8, 8))
        self.layer2 = nn.Sequential(BasicBlock(8, 16, 2), BasicBlock(16, 16))
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = self.maxpool(functional.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        return self.fc(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1))


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, 4, 1)
        self.fc2 = nn.Conv2d(4, channels, 1)

    def forward(self, x):
        scale = functional.relu(self.fc1(x.mean((2, 3), keepdim=True)))
        return x * functional.hardsigmoid(self.fc2(scale))


class InvertedResidual(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.expand = conv_bn(channels, hidden, 1)
        self.depthwise = conv_bn(hidden, hidden, 3, groups=hidden)
        self.se = SqueezeExcite(hidden)
        self.project = conv_bn(hidden, channels, 1)

    def forward(self, x):
        out = functional.hardswish(self.expand(x))
        out = self.se(functional.hardswish(self.depthwise(out)))
        return x + self.project(out)


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, 8, 3, stride=2), nn.Hardswish())
        self.blocks = nn.Sequential(InvertedResidual(8, 16), InvertedResidual(8, 24))
        self.head = nn.Sequential(
            nn.Linear(8, 16), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(16, 10)
        )

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([x, self.conv(functional.relu(self.norm(x)))], 1)


class DenseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv0 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.block = nn.Sequential(DenseLayer(8, 4), DenseLayer(12, 4), DenseLayer(16, 4))
        self.transition = nn.Sequential(
            nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1), nn.AvgPool2d(2)
        )
        self.norm = nn.BatchNorm2d(10)
        self.classifier = nn.Linear(10, 5)

    def forward(self, x):
        x = self.transition(self.block(self.conv0(x)))
        return self.classifier(functional.relu(self.norm(x)).mean((2, 3)))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.SiLU())
        self.down2 = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.GroupNorm(4, 16), nn.SiLU())
        self.middle = nn.Sequential(
            nn.Conv2d(16, 16, 3, padding=1), nn.InstanceNorm2d(16, affine=True)
        )
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.out = nn.Conv2d(24, 2, 3, padding=1)

    def forward(self, x):
        first = self.down1(x)
        second = functional.leaky_relu(self.middle(self.down2(first)), 0.1)
        wide = functional.interpolate(
            second[:, :8], scale_factor=2.0, mode="bilinear", align_corners=False
        )
        return torch.sigmoid(self.out(torch.cat([first, self.up(second), wide], 1)))


class ConvNextBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        out = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        out = self.gamma * self.fc2(functional.gelu(self.fc1(out)))
        return x + out.permute(0, 3, 1, 2)


class ConvNext(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.blocks = nn.Sequential(ConvNextBlock(8), ConvNextBlock(8))
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 6)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.stem(x)).mean((2, 3))))


class Volume(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4)
        self.conv2 = nn.Conv3d(4, 6, 3, 2, 1)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = functional.max_pool3d(functional.relu6(self.bn1(self.conv1(x))), 2)
        return self.fc(functional.selu(self.conv2(x)).mean((2, 3, 4)))


class Speech(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv1d(1, 8, 5, 2), nn.BatchNorm1d(8)
        self.conv2 = nn.Conv1d(8, 8, 3, padding=2, dilation=2, groups=2)
        self.act = nn.PReLU(8)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = functional.softplus(self.bn1(self.conv1(x)))
        x = x + self.act(self.conv2(x))
        return self.fc(torch.cat([x.mean(-1), x.std(-1)], 0))


def resnet() -> Made:
    return made(ResNet(), image(32))


def mobilenet() -> Made:
    return made(MobileNet(), image())


def densenet() -> Made:
    return made(DenseNet(), image())


def unet() -> Made:
    return made(UNet(), image())


def convnext() -> Made:
    return made(ConvNext(), image())


def volume() -> Made:
    return made(Volume(), image(8, 8).reshape(2, 1, 8, 8, 8))


def speech() -> Made:
    return made(Speech(), image(8, 1).reshape(2, 1, 64))
