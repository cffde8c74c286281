"""Networks of torchvision, made small by their own constructors."""

from functools import partial

import torch
from making import Made, image, made
from torch import nn
from torchvision.models import (
    GoogLeNet,
    convnext,
    densenet,
    efficientnet,
    maxvit,
    mnasnet,
    mobilenetv2,
    mobilenetv3,
    regnet,
    resnet,
    segmentation,
    shufflenetv2,
    squeezenet,
    swin_transformer,
    vgg,
    video,
    vision_transformer,
)
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.video import mvit


def resnet_basic() -> Made:
    net = resnet.ResNet(resnet.BasicBlock, [2, 1, 1, 1], num_classes=10)
    return made(net, image(64))


def resnext() -> Made:
    net = resnet.ResNet(
        resnet.Bottleneck, [1, 2, 1, 1], num_classes=10, groups=4, width_per_group=8
    )
    return made(net, image(64, batch=4))


def vgg_batchnorm() -> Made:
    plan: list[str | int] = [8, "M", 16, "M", 16, 16, "M"]
    net = vgg.VGG(vgg.make_layers(plan, batch_norm=True), num_classes=10, init_weights=False)
    net.avgpool = nn.AdaptiveAvgPool2d(2)
    net.classifier = nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(True), nn.Dropout(), nn.Linear(32, 10)
    )
    return made(net, image(32))


def squeeze_net() -> Made:
    return made(squeezenet.SqueezeNet("1_1", num_classes=10), image(48))


def dense_net() -> Made:
    net = densenet.DenseNet(8, (2, 2, 2), 16, num_classes=10)
    return made(net, image(64, batch=4))


class WithAuxiliaries(nn.Module):
    """A GoogLeNet that returns its auxiliary outputs always, as it does itself in training."""

    def __init__(self, net: GoogLeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        self.net.training = True
        return self.net(x)


def googlenet_auxiliaries() -> Made:
    net = GoogLeNet(num_classes=10, aux_logits=True, init_weights=False)
    return made(WithAuxiliaries(net), image(64))


def mobilenet_v2() -> Made:
    plan = [[1, 8, 1, 1], [4, 16, 2, 2], [4, 24, 2, 1]]
    net = mobilenetv2.MobileNetV2(10, 0.5, plan)
    return made(net, image(48))


def mobilenet_v3() -> Made:
    block = partial(mobilenetv3.InvertedResidualConfig, dilation=1, width_mult=1.0)
    plan = [
        block(16, 3, 16, 16, True, "RE", 2),
        block(16, 3, 48, 24, False, "RE", 2),
        block(24, 5, 64, 24, True, "HS", 1),
    ]
    return made(mobilenetv3.MobileNetV3(plan, 64, num_classes=10), image(48))


def mnas_net() -> Made:
    return made(mnasnet.MNASNet(0.2, num_classes=10), image(64))


def shufflenet_v2() -> Made:
    net = shufflenetv2.ShuffleNetV2([2, 2, 2], [8, 16, 32, 64, 64], num_classes=10)
    return made(net, image(64))


def efficientnet_b0() -> Made:
    block = partial(efficientnet.MBConvConfig, width_mult=1.0, depth_mult=1.0)
    plan = [block(1, 3, 1, 32, 16, 1), block(4, 3, 2, 16, 24, 2), block(4, 5, 2, 24, 32, 1)]
    return made(efficientnet.EfficientNet(plan, 0.2, 0.2, num_classes=10), image(48))


def efficientnet_v2() -> Made:
    plan = [
        efficientnet.FusedMBConvConfig(1, 3, 1, 16, 16, 1),
        efficientnet.FusedMBConvConfig(4, 3, 2, 16, 24, 2),
        efficientnet.MBConvConfig(4, 3, 2, 24, 32, 2),
    ]
    net = efficientnet.EfficientNet(plan, 0.2, 0.2, num_classes=10, last_channel=64)
    return made(net, image(48))


def reg_net() -> Made:
    plan = regnet.BlockParams.from_init_params(
        depth=5, w_0=16, w_a=12.0, w_m=2.0, group_width=8, se_ratio=0.25
    )
    return made(regnet.RegNet(plan, num_classes=10, stem_width=16), image(64))


def conv_next() -> Made:
    plan = [
        convnext.CNBlockConfig(16, 32, 2),
        convnext.CNBlockConfig(32, 48, 1),
        convnext.CNBlockConfig(48, None, 1),
    ]
    return made(convnext.ConvNeXt(plan, num_classes=10), image(48))


def vision_transformer_b() -> Made:
    net = vision_transformer.VisionTransformer(32, 8, 2, 2, 32, 64, num_classes=10)
    return made(net, image(32))


def swin() -> Made:
    net = swin_transformer.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=10)
    return made(net, image(40))


def swin_v2() -> Made:
    net = swin_transformer.SwinTransformer(
        [4, 4],
        16,
        [2, 2],
        [2, 4],
        [4, 4],
        num_classes=10,
        block=swin_transformer.SwinTransformerBlockV2,
        downsample_layer=swin_transformer.PatchMergingV2,
    )
    return made(net, image(32))


def max_vit() -> Made:
    net = maxvit.MaxVit((32, 32), 16, 4, [16, 24], [1, 1], 8, 0.0, num_classes=10)
    return made(net, image(32))


def multiscale_vit() -> Made:
    blocks = [
        mvit.MSBlockConfig(1, 16, 32, [], [3, 3, 3], [], [1, 2, 2]),
        mvit.MSBlockConfig(2, 32, 32, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 1, 1]),
    ]
    net = mvit.MViT((32, 32), 4, blocks, True, True, True, True, num_classes=10)
    return made(net, torch.randn(2, 3, 4, 32, 32, generator=torch.Generator().manual_seed(3)))


def fully_convolutional() -> Made:
    body = resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1])
    features = IntermediateLayerGetter(body, {"layer2": "aux", "layer3": "out"})
    head, auxiliary = segmentation.fcn.FCNHead(256, 5), segmentation.fcn.FCNHead(128, 5)
    return made(segmentation.FCN(features, head, auxiliary), image(64))


def deeplab_v3() -> Made:
    body = resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1])
    features = IntermediateLayerGetter(body, {"layer2": "out"})
    head = segmentation.deeplabv3.DeepLabHead(128, 5, (2, 4))
    return made(segmentation.DeepLabV3(features, head), image(64, batch=4))


def lite_aspp() -> Made:
    block = partial(mobilenetv3.InvertedResidualConfig, dilation=1, width_mult=1.0)
    plan = [block(16, 3, 16, 16, True, "RE", 2), block(16, 3, 48, 24, False, "HS", 2)]
    body = mobilenetv3.MobileNetV3(plan, 64).features
    features = IntermediateLayerGetter(body, {"1": "low", "3": "high"})
    net = segmentation.LRASPP(features, 16, 144, num_classes=5, inter_channels=16)
    return made(net, image(64))


def video_resnet() -> Made:
    net = video.resnet.VideoResNet(
        video.resnet.BasicBlock,
        [video.resnet.Conv2Plus1D] * 4,
        [1, 1, 1, 1],
        video.resnet.R2Plus1dStem,
        num_classes=10,
    )
    return made(net, torch.randn(2, 3, 4, 32, 32, generator=torch.Generator().manual_seed(3)))


NETWORKS = (
    *(resnet_basic, resnext, vgg_batchnorm, squeeze_net, dense_net, googlenet_auxiliaries),
    *(mobilenet_v2, mobilenet_v3, mnas_net, shufflenet_v2, efficientnet_b0, efficientnet_v2),
    *(reg_net, conv_next, vision_transformer_b, swin, swin_v2, max_vit, multiscale_vit),
    *(fully_convolutional, deeplab_v3, lite_aspp, video_resnet),
)
