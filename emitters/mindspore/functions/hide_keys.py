"""What is added to the scores of attention."""

import mindspore as ms
from mindspore import ops


def hide_keys(
    scores: ms.Tensor,
    mask: ms.Tensor | None,
    before: int,
    cached: bool,
    lengths: ms.Tensor | None,
    causal: bool,
    window: tuple[int, int],
) -> ms.Tensor:
    """Return the mask of attention as a bias: minus infinity where a query sees no key.

    With a cache of `before` keys, query i stands at key i + before; with lengths, so that the last
    query stands at the last valid key.
    """
    queries, keys = scores.shape[-2], scores.shape[-1]
    nothing = ops.zeros((queries, keys), scores.dtype)
    lowest, bias = nothing - float("inf"), nothing
    if mask is not None:
        if mask.dtype == ms.bool_:
            none = ops.zeros(mask.shape, scores.dtype)
            mask = ops.where(mask, none, none - float("inf"))
        if mask.shape[-1] < keys:
            mask = ops.pad(mask, (0, keys - mask.shape[-1]), value=float("-inf"))
        bias = bias + mask
    place = ops.arange(keys)
    ahead = place - ops.unsqueeze(ops.arange(queries), 1) - before
    if lengths is not None:
        lengths = lengths.reshape(-1, 1, 1, 1)
        bias = bias + ops.where(place < lengths, nothing, lowest)
        ahead = ahead if cached else ahead - (lengths - queries)
    if causal:
        bias = bias + ops.where(ahead <= 0, nothing, lowest)
    left, right = window
    if left >= 0:
        bias = bias + ops.where(ahead >= -left, nothing, lowest)
    if right >= 0:
        bias = bias + ops.where(ahead <= right, nothing, lowest)
    return bias
