"""Boxes that overlap better ones are left out."""

import mindspore as ms
from mindspore import ops


def suppress_boxes(
    boxes: ms.Tensor,
    scores: ms.Tensor,
    max_boxes: int | ms.Tensor,
    iou_threshold: float | ms.Tensor,
    score_threshold: float | ms.Tensor | None = None,
    centered: bool = False,
) -> ms.Tensor:
    """Return (image, class, box) of the boxes that are kept, best first in each class.

    A box is left out where it overlaps a better one that is kept by more than the threshold.
    """
    first, second = boxes[..., :2], boxes[..., 2:]
    if centered:
        first, second = first - second / 2, first + second / 2
    low, high = ops.minimum(first, second), ops.maximum(first, second)
    area = (high - low).prod(-1)
    most = ops.reshape(max_boxes, ()) if isinstance(max_boxes, ms.Tensor) else max_boxes
    found = [ops.zeros((0, 3), ms.int64)]
    for image in range(boxes.shape[0]):
        top = ops.maximum(ops.unsqueeze(low[image], 1), low[image])
        bottom = ops.minimum(ops.unsqueeze(high[image], 1), high[image])
        shared = ops.relu(bottom - top).prod(-1)
        union = ops.unsqueeze(area[image], 1) + area[image] - shared
        clash = ops.logical_and(union > 0, shared > iou_threshold * union).astype(ms.float32)
        places = ops.arange(boxes.shape[1])
        for kind in range(scores.shape[1]):
            rating = scores[image, kind]
            left = ops.ones_like(rating)
            if score_threshold is not None:
                left = (rating > score_threshold).astype(rating.dtype)
            turns = ops.full_like(rating, 3.4e38)  # in which each box is kept
            count = ops.zeros((), ms.int64)
            while left.sum() > 0 and count < most:
                best = ops.argmax(ops.where(left > 0, rating, ops.full_like(rating, -3.4e38)))
                is_best = (places == best).astype(left.dtype)
                turns = ops.where(is_best > 0, count.astype(turns.dtype), turns)
                left = left * (1 - ops.gather(clash, best, 0)) * (1 - is_best)
                count = count + 1
            kept = ops.gather(ops.argsort(turns), ops.arange(count), 0).astype(ms.int64)
            ahead = (ops.full_like(kept, image), ops.full_like(kept, kind))
            found.append(ops.stack((*ahead, kept), axis=1))
    return ops.cat(found)
