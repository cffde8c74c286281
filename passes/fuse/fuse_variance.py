"""Variance and standard deviation."""

import math

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, axis_of, integers, shape_of
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import Pattern, op, scalar, symbol

X = symbol("x")
CENTERED = X - op("ReduceMean", X, symbol("axes"), keepdims=1)
MEAN = op("ReduceMean", CENTERED**2 | CENTERED * CENTERED, symbol("same axes"))
UNBIASED = MEAN * scalar("n") / scalar("n - 1") | MEAN * scalar("ratio")


def kept(value: Pattern) -> Pattern:
    """Return a value, or that with an axis of 1 where one was, as the dynamo exporter puts it."""
    return op("Reshape", value, symbol("shape")) | value


PATTERNS = (
    ("StandardDeviation", op("Sqrt", kept(UNBIASED))),
    ("StandardDeviation", op("Sqrt", kept(MEAN))),
    ("Variance", kept(UNBIASED)),
    ("Variance", kept(MEAN)),
)


@graph_pass(after=("fuse_layer_norm",), writes=("Variance", "StandardDeviation"))
def fuse_variance(graph: ir.Graph) -> int:
    """Replace mean((x - mean(x))^2), or that times n / (n - 1), by onnx2ms.Variance; and its root.

    n / (n - 1), Bessel's correction, is what PyTorch's var and std multiply by.
    """
    fused = 0
    for operator, pattern in PATTERNS:
        for match in find(graph, pattern):
            axes, correction, keepdims = _axes(match), _correction(match), _keepdims(match)
            if not axes or correction is None or keepdims is None:
                continue
            replace(
                match,
                operator,
                [match["x"]],
                domain=DOMAIN,
                axes=axes,
                correction=correction,
                keepdims=keepdims,
            )
            fused += 1
    return fused


def _axes(match: Match) -> tuple[int, ...]:
    """Return the axes over which mean and variance are taken; none if they are not the same."""
    rank = len(match["x"].shape or ())
    first, second = (integers(match[name]) or () for name in ("axes", "same axes"))
    if not rank or {axis_of(a, rank) for a in first} != {axis_of(a, rank) for a in second}:
        return ()
    return first


def _keepdims(match: Match) -> int | None:
    """Return whether the axes are kept as 1; None if a Reshape does something else."""
    if "shape" not in match.values:
        kept_axes: int = attribute(match.made_by[MEAN], "keepdims", 1)
        return kept_axes
    before, after = list(match["x"].shape or ()), list(match.result.shape or ())
    for axis in _axes(match):
        before[axis] = 1
    return 1 if before == after else None


def _correction(match: Match) -> int | None:
    """Return 0 for the mean of the squares, 1 for Bessel's correction, None for another factor."""
    numbers = match.numbers
    if not numbers:
        return 0
    shape = shape_of(match["x"])
    if shape is None:
        return None
    count = math.prod(shape[axis] for axis in _axes(match))
    if count < 2:
        return None
    if "ratio" in numbers:
        return 1 if abs(numbers["ratio"] - count / (count - 1)) < 1e-6 else None
    return 1 if (numbers["n"], numbers["n - 1"]) == (count, count - 1) else None
