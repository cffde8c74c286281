"""Patterns of two slices of one tensor, and what each of them takes."""

from ..compiler.ir.graph import axis_of, integers
from .matching import Match
from .pattern import op, symbol

X = symbol("x")
BACK = op("Slice", X, symbol("start"), symbol("end"), symbol("axes")) | op(
    "Slice", X, symbol("start"), symbol("end"), symbol("axes"), symbol("steps")
)
FRONT = op("Slice", X, symbol("start 2"), symbol("end 2"), symbol("axes 2")) | op(
    "Slice", X, symbol("start 2"), symbol("end 2"), symbol("axes 2"), symbol("steps 2")
)


def cut_of(match: Match, suffix: str, axis: int, rank: int, size: int) -> tuple[int, int] | None:
    """Return from where to where a slice takes an axis.

    None if it takes another axis, several, or goes in steps.

    Args:
        match: Holds `start`, `end`, `axes` and perhaps `steps`, the suffix behind each.
        suffix: "" for the first slice, " 2" for the second.
        axis: The axis, counted from the front.
        rank: Number of axes.
        size: Elements of the axis.
    """
    names = ("start", "end", "axes", "steps")
    given = [match.values.get(f"{name}{suffix}") for name in names]
    start, end, axes, steps = (None if value is None else integers(value) for value in given)
    if start is None or end is None or axes is None or len(axes) != 1:
        return None
    if axis_of(axes[0], rank) != axis or (given[3] is not None and steps != (1,)):
        return None
    first, last = (n + size if n < 0 else n for n in (start[0], end[0]))
    return max(first, 0), min(last, size)
