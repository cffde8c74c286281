"""Rotary position embeddings (Su et al., 2021)."""

import mindspore as ms
from mindspore import ops


def rotary_embedding(x: ms.Tensor, cosine: ms.Tensor, sine: ms.Tensor) -> ms.Tensor:
    """Turn the pairs that the halves of the last axis make by an angle of each position."""
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    cosine, sine = ops.unsqueeze(cosine, 1), ops.unsqueeze(sine, 1)
    return ops.cat((first * cosine - second * sine, second * cosine + first * sine), axis=-1)
