"""Attention with all that ONNX's has, of any sizes."""

import mindspore as ms
from mindspore import ops

from .hide_keys import hide_keys


def compute_attention(
    query: ms.Tensor,
    key: ms.Tensor,
    value: ms.Tensor,
    mask: ms.Tensor | None = None,
    past_key: ms.Tensor | None = None,
    past_value: ms.Tensor | None = None,
    lengths: ms.Tensor | None = None,
    heads: int = 0,
    key_heads: int = 0,
    scale: float | None = None,
    cap: float = 0.0,
    causal: bool = False,
    window: tuple[int, int] = (-1, -1),
    shown: int = 0,
    wide: ms.Type | None = None,
) -> tuple[ms.Tensor, ms.Tensor, ms.Tensor, ms.Tensor]:
    """Return the attended values, all keys and values, and the scores at a stage of four."""
    batch, queries, flat = query.shape[0], query.shape[-2], query.ndim == 3
    if flat:  # (batch, sequence, heads * size)
        query = ops.swapaxes(query.reshape(batch, queries, heads, -1), 1, 2)
        key = ops.swapaxes(key.reshape(batch, key.shape[1], key_heads, -1), 1, 2)
        value = ops.swapaxes(value.reshape(batch, value.shape[1], key_heads, -1), 1, 2)
    before = 0
    if past_key is not None:
        before = past_key.shape[2]
        key, value = ops.cat((past_key, key), axis=2), ops.cat((past_value, value), axis=2)
    keys, values = key, value
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        keys = ops.repeat_interleave(key, groups, 1)
        values = ops.repeat_interleave(value, groups, 1)
    if scale is None:
        scale = query.shape[-1] ** -0.5
    raw = ops.matmul(query * scale, ops.swapaxes(keys, -1, -2))
    scores = cap * ops.tanh(raw / cap) if cap > 0 else raw
    bias = hide_keys(raw, mask, before, past_key is not None, lengths, causal, window)
    biased = scores + bias
    # MindSpore 2.10: a row of nothing but -inf makes ops.softmax wrong in other rows too
    precise = biased if wide is None else biased.astype(wide)
    lowest = -65504.0 if precise.dtype == ms.float16 else -3.4e38
    weights = ops.softmax(ops.maximum(precise, ops.zeros_like(precise) + lowest), axis=-1)
    blind = ops.amax(bias, -1, keepdims=True) == float("-inf")
    weights = ops.where(blind, ops.zeros_like(weights), weights).astype(query.dtype)
    output = ops.matmul(weights, values)
    if flat:
        output = ops.swapaxes(output, 1, 2).reshape(batch, queries, -1)
    return output, key, value, (raw, scores, biased, weights)[shown]
