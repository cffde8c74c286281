"""Networks of transformers, made small by their own configurations."""

from typing import Any

import torch
import transformers
from making import image, made, tokens
from torch import nn

WIDTHS: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 32,
}
NO_CACHE: dict[str, Any] = {"use_cache": False, "pad_token_id": 0}


def hf_made(kind: str, inputs: dict[str, torch.Tensor], **options: Any) -> tuple[nn.Module, Any]:
    """Return a model of transformers and its keyword arguments."""
    config_class = getattr(transformers, kind).config_class
    net = getattr(transformers, kind)(config_class(**options))
    network, _ = made(net)
    return network, inputs


def text(length: int = 8) -> dict[str, torch.Tensor]:
    """Return token ids and a mask that hides the end of the second text."""
    mask = torch.ones(2, length, dtype=torch.int64)
    mask[1, length - 2 :] = 0
    return {"input_ids": tokens(length) % 38 + 2, "attention_mask": mask}


def pair() -> dict[str, torch.Tensor]:
    return {**text(), "decoder_input_ids": tokens(6) % 37 + 2}


def bert() -> tuple[nn.Module, Any]:
    return hf_made("BertForSequenceClassification", text(), **WIDTHS, num_labels=3)


def roberta() -> tuple[nn.Module, Any]:
    return hf_made("RobertaForMaskedLM", text(), **WIDTHS)


def albert() -> tuple[nn.Module, Any]:
    return hf_made("AlbertModel", text(), **WIDTHS, embedding_size=16)


def electra() -> tuple[nn.Module, Any]:
    return hf_made("ElectraForTokenClassification", text(), **WIDTHS, embedding_size=16)


def deberta_v2() -> tuple[nn.Module, Any]:
    options = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
    return hf_made("DebertaV2Model", text(), **WIDTHS, **options)


def distilbert() -> tuple[nn.Module, Any]:
    options = {"vocab_size": 40, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}
    return hf_made("DistilBertForQuestionAnswering", text(), **options, max_position_embeddings=32)


def gpt2() -> tuple[nn.Module, Any]:
    options = {"vocab_size": 40, "n_positions": 32, "n_embd": 32, "n_layer": 2, "n_head": 4}
    return hf_made("GPT2LMHeadModel", text(), **options, **NO_CACHE)


def gpt_neox() -> tuple[nn.Module, Any]:
    return hf_made("GPTNeoXForCausalLM", text(), **WIDTHS, **NO_CACHE)


def llama() -> tuple[nn.Module, Any]:
    return hf_made("LlamaForCausalLM", text(), **WIDTHS, **NO_CACHE, num_key_value_heads=2)


def qwen2() -> tuple[nn.Module, Any]:
    return hf_made("Qwen2ForCausalLM", text(), **WIDTHS, **NO_CACHE, num_key_value_heads=2)


def gemma() -> tuple[nn.Module, Any]:
    options = {"num_key_value_heads": 1, "head_dim": 8}
    return hf_made("GemmaForCausalLM", text(), **WIDTHS, **NO_CACHE, **options)


def opt() -> tuple[nn.Module, Any]:
    options = {k: v for k, v in WIDTHS.items() if k != "intermediate_size"}
    return hf_made(
        "OPTForCausalLM", text(), **options, **NO_CACHE, ffn_dim=48, word_embed_proj_dim=32
    )


def bloom() -> tuple[nn.Module, Any]:
    options = {"vocab_size": 40, "hidden_size": 32, "n_layer": 2, "n_head": 4}
    return hf_made("BloomForCausalLM", text(), **options, **NO_CACHE)


def mamba() -> tuple[nn.Module, Any]:
    options = {"vocab_size": 40, "hidden_size": 16, "state_size": 4, "num_hidden_layers": 2}
    ids = {"input_ids": text(4)["input_ids"]}
    return hf_made("MambaForCausalLM", ids, **options, **NO_CACHE)


def t5() -> tuple[nn.Module, Any]:
    options = {"vocab_size": 40, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2}
    return hf_made("T5ForConditionalGeneration", pair(), **options, num_heads=4, **NO_CACHE)


def bart() -> tuple[nn.Module, Any]:
    options: dict[str, Any] = {"vocab_size": 40, "d_model": 32, "max_position_embeddings": 32}
    for part in ("encoder", "decoder"):
        options |= {f"{part}_layers": 1, f"{part}_attention_heads": 4, f"{part}_ffn_dim": 48}
    return hf_made("BartForConditionalGeneration", pair(), **options, **NO_CACHE)


def wav2vec2() -> tuple[nn.Module, Any]:
    options: dict[str, Any] = {
        "conv_dim": (16, 16, 16),
        "conv_stride": (5, 2, 2),
        "conv_kernel": (10, 3, 2),
        "num_feat_extract_layers": 3,
        "num_conv_pos_embeddings": 8,
        "num_conv_pos_embedding_groups": 4,
        "mask_time_prob": 0.0,
        "layerdrop": 0.0,
    }
    wave = torch.randn(2, 640, generator=torch.Generator().manual_seed(3))
    widths = {k: v for k, v in WIDTHS.items() if k != "max_position_embeddings"}
    net, inputs = hf_made("Wav2Vec2ForCTC", {"input_values": wave}, **widths, **options)
    net.freeze_feature_encoder()  # else in training it sets a flag of what is no leaf
    return net, inputs


def whisper() -> tuple[nn.Module, Any]:
    options: dict[str, Any] = {"vocab_size": 40, "d_model": 32, "num_mel_bins": 8}
    for part in ("encoder", "decoder"):
        options |= {f"{part}_layers": 1, f"{part}_attention_heads": 4, f"{part}_ffn_dim": 48}
    options |= {"max_source_positions": 16, "max_target_positions": 16}
    options |= {"decoder_start_token_id": 1, "bos_token_id": 1, "eos_token_id": 2}
    inputs = {
        "input_features": torch.randn(2, 8, 32, generator=torch.Generator().manual_seed(3)),
        "decoder_input_ids": text(6)["input_ids"],
    }
    return hf_made("WhisperForConditionalGeneration", inputs, **options, **NO_CACHE)


def vit() -> tuple[nn.Module, Any]:
    widths = {k: WIDTHS[k] for k in WIDTHS if k not in ("vocab_size", "max_position_embeddings")}
    inputs = {"pixel_values": image(32)}
    return hf_made("ViTForImageClassification", inputs, **widths, image_size=32, patch_size=8)


def segformer() -> tuple[nn.Module, Any]:
    options: dict[str, Any] = {
        "num_encoder_blocks": 2,
        "depths": [1, 1],
        "sr_ratios": [4, 2],
        "hidden_sizes": [16, 32],
        "patch_sizes": [7, 3],
        "strides": [4, 2],
        "num_attention_heads": [1, 2],
        "mlp_ratios": [2, 2],
        "decoder_hidden_size": 32,
    }
    inputs = {"pixel_values": image(64)}
    return hf_made("SegformerForSemanticSegmentation", inputs, **options)


def clip() -> tuple[nn.Module, Any]:
    widths = {k: v for k, v in WIDTHS.items() if k not in ("vocab_size", "max_position_embeddings")}
    seen = {**widths, "image_size": 32, "patch_size": 8}
    read = {**WIDTHS, "eos_token_id": 39}
    inputs = {**text(), "pixel_values": image(32)}
    return hf_made("CLIPModel", inputs, text_config=read, vision_config=seen, projection_dim=16)


def detr() -> tuple[nn.Module, Any]:
    body = transformers.ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 24, 32, 48], depths=[1, 1, 1, 1],
        out_features=["stage4"],
    )  # fmt: skip
    options: dict[str, Any] = {"d_model": 32, "num_queries": 5, "num_labels": 3}
    for part in ("encoder", "decoder"):
        options |= {f"{part}_layers": 1, f"{part}_attention_heads": 4, f"{part}_ffn_dim": 48}
    options |= {"use_timm_backbone": False, "backbone_config": body, "backbone": None}
    inputs = {"pixel_values": image(64)}
    return hf_made("DetrForObjectDetection", inputs, **options, use_pretrained_backbone=False)


NETWORKS = (
    *(bert, roberta, albert, electra, deberta_v2, distilbert, gpt2, gpt_neox, llama, qwen2),
    *(gemma, opt, bloom, mamba, t5, bart, wav2vec2, whisper, vit, segformer, clip, detr),
)
