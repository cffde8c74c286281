"""The largest elements of an axis, and where they stand."""

import mindspore as ms
from mindspore import ops


def rank_elements(
    x: ms.Tensor, k: int, axis: int, largest: bool = True
) -> tuple[ms.Tensor, ms.Tensor]:
    """Return the k largest elements along an axis, and their places: of equal ones the first.

    ops.topk of MindSpore 2.10 puts equal elements in any order.
    """
    values, places = ops.sort(ops.swapaxes(x, axis, -1), axis=-1, descending=largest)
    return ops.swapaxes(values[..., :k], axis, -1), ops.swapaxes(places[..., :k], axis, -1)
