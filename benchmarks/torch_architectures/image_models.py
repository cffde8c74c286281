"""Networks of timm, made small by their own constructors."""

import timm
from making import Made, image, made
from timm.layers import GatedMlp, GroupNorm1
from timm.models.convmixer import ConvMixer
from timm.models.metaformer import MetaFormer, SepConv
from timm.models.mlp_mixer import MlpMixer, SpatialGatingBlock
from torch import nn


def timm_made(name: str, size: int = 32, **options: object) -> Made:
    net = timm.create_model(name, pretrained=False, num_classes=10, **options)
    return made(net, image(size))


def mlp_mixer() -> Made:
    return made(MlpMixer(10, 32, patch_size=8, num_blocks=2, embed_dim=32), image(32))


def gated_mlp() -> Made:
    net = MlpMixer(
        10, 32, patch_size=8, num_blocks=2, embed_dim=32, mlp_ratio=4,
        block_layer=SpatialGatingBlock, mlp_layer=GatedMlp,
    )  # fmt: skip
    return made(net, image(32))


def conv_mixer() -> Made:
    return made(ConvMixer(24, 2, kernel_size=5, patch_size=4, num_classes=10), image(32))


def pool_former() -> Made:
    net = MetaFormer(
        num_classes=10, depths=(1, 1), dims=(16, 32), mlp_act=nn.GELU, mlp_bias=True,
        downsample_norm=None, norm_layers=GroupNorm1, layer_scale_init_values=0.1,
        res_scale_init_values=None, use_mlp_head=False,
    )  # fmt: skip
    return made(net, image(64))


def conv_former() -> Made:
    net = MetaFormer(num_classes=10, depths=(1, 1), dims=(16, 32), token_mixers=SepConv)
    return made(net, image(64))


def beit() -> Made:
    return timm_made(
        *("beit_base_patch16_224", 32),
        img_size=32,
        patch_size=8,
        embed_dim=32,
        depth=2,
        num_heads=2,
    )


def cait() -> Made:
    return timm_made(
        *("cait_xxs24_224", 32), img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2
    )


def cross_covariance() -> Made:
    return timm_made(
        *("xcit_nano_12_p16_224", 32), img_size=32, patch_size=8, embed_dim=32, depth=1, num_heads=2
    )


def pyramid_vit() -> Made:
    return timm_made(
        *("pvt_v2_b0", 64), embed_dims=(16, 32), depths=(1, 1), num_heads=(1, 2), sr_ratios=(4, 2),
        mlp_ratios=(2, 2),
    )  # fmt: skip


def mobile_vit() -> Made:
    return timm_made("mobilevit_xxs", 64)


def le_vit() -> Made:
    return timm_made(
        *("levit_128s", 64), img_size=64, embed_dim=(32, 48), key_dim=8, depth=(1, 1),
        num_heads=(2, 3),
    )  # fmt: skip


def rep_vgg() -> Made:
    return timm_made("repvgg_a0", 64)


def ghost_net() -> Made:
    return timm_made("ghostnet_050", 64)


def nf_net() -> Made:
    return timm_made("test_nfnet", 64)


def res2_net() -> Made:
    return timm_made("res2net50_14w_8s", 64, layers=(1, 1, 1, 1))


def vit_registers() -> Made:
    return timm_made("test_vit", 64, img_size=64)


NETWORKS = (
    *(
        mlp_mixer,
        gated_mlp,
        conv_mixer,
        pool_former,
        conv_former,
        beit,
        cait,
        cross_covariance,
        pyramid_vit,
    ),
    *(mobile_vit, le_vit, rep_vgg, ghost_net, nf_net, res2_net, vit_registers),
)
