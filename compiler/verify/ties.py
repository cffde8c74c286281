"""Rows whose order follows scores that are nearly the same: detections, the best of a search."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..ir.graph import Array
from .compare import is_float

Order = npt.NDArray[np.intp]


def order_of_ties(
    actual: Sequence[Array], expected: Sequence[Array], tolerances: Sequence[float]
) -> Order | None:
    """Return in which order the rows of outputs are the model's, where scores allow that order.

    Scores are an output of one dimension that falls. They must agree row by row as they are; of
    rows whose scores are within the tolerance of one another the model does not tell which comes
    first, and one rounding decides. A row is all outputs at one place, of those that have as many
    rows as there are scores, and only rows of such scores are exchanged.

    Args:
        actual: One array an output.
        expected: What they should be, of the same types and shapes.
        tolerances: What max|a-b| / max|b| of each may be.

    Returns:
        Which row of `actual` belongs at each place; None if there is no such order, or if the rows
        are in it already.
    """
    if any(a.shape != b.shape or a.dtype != b.dtype for a, b in zip(actual, expected, strict=True)):
        return None
    for score, found, tolerance in zip(expected, actual, tolerances, strict=True):
        if score.ndim != 1 or len(score) < 2 or not is_float(score.dtype):
            continue
        falling, own = score.astype(np.float64), found.astype(np.float64)
        within = tolerance * float(np.abs(falling).max())
        if not np.all(falling[1:] <= falling[:-1]) or not np.all(np.abs(own - falling) <= within):
            continue
        rows = [
            (a, b, limit * float(np.abs(b).max(initial=0)) if is_float(b.dtype) else 0.0)
            for a, b, limit in zip(actual, expected, tolerances, strict=True)
            if b.shape[:1] == score.shape
        ]
        order = _matched(falling, 2 * within, rows)
        if order is not None and np.any(order != np.arange(len(score))):
            return order
    return None


def _matched(
    scores: npt.NDArray[np.float64], near: float, rows: Sequence[tuple[Array, Array, float]]
) -> Order | None:
    """Return for each place a row, of those with a score near its own, that agrees; else None."""
    free = np.ones(len(scores), bool)
    order = np.empty(len(scores), np.intp)
    for place, score in enumerate(scores):
        first, last = np.searchsorted(-scores, (-score - near, -score + near), side="left")
        found = [i for i in (place, *range(int(first), int(last) + 1)) if i < len(scores)]
        match = next((i for i in found if free[i] and _agree(rows, i, place)), None)
        if match is None or abs(scores[match] - score) > near:
            return None
        free[match] = False
        order[place] = match
    return order


def _agree(rows: Sequence[tuple[Array, Array, float]], made: int, place: int) -> bool:
    """Tell whether a row that was made is the one that belongs at a place."""
    return all(
        np.all(np.abs(a[made].astype(np.float64) - b[place].astype(np.float64)) <= limit)
        if is_float(b.dtype)
        else np.array_equal(a[made], b[place])
        for a, b, limit in rows
    )
