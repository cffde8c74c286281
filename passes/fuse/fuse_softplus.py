"""Softplus that is its argument above a threshold, as PyTorch computes it."""

import math

import onnx_ir as ir

from ..base import graph_pass
from ..matching import Match, find, replace, same_shape
from ..pattern import Pattern, op, scalar, symbol
from ..rewrite import take_over

X, THRESHOLD, BETA = symbol("x"), scalar("threshold"), scalar("beta")


def chosen(scaled: Pattern, smooth: Pattern) -> Pattern:
    """Return x where it is above a threshold, else a value that comes near to it."""
    above = op("Greater", scaled, THRESHOLD) | op("GreaterOrEqual", scaled, THRESHOLD)
    below = op("Less", scaled, THRESHOLD) | op("LessOrEqual", scaled, THRESHOLD)
    return op("Where", above, X, smooth) | op("Where", below, smooth, X)


SCALED = X * BETA
SOFTPLUS = chosen(X, op("Softplus", X))
QUOTIENT = op("Softplus", SCALED) / BETA
SCALED_SOFTPLUS = chosen(SCALED, QUOTIENT)

ROUNDING = {
    ir.DataType.FLOAT: 2.0**-24,
    ir.DataType.FLOAT16: 2.0**-11,
    ir.DataType.BFLOAT16: 2.0**-8,
}
"""Half a unit in the last place of 1."""


@graph_pass(after=("drop_noop",))
def fuse_softplus(graph: ir.Graph) -> int:
    """Replace softplus(x), and x above 20, by Softplus, which is x there within its type.

    Of softplus(beta x) / beta, and x where beta x is above 20, product and quotient stay.
    """
    fused = 0
    for match in find(graph, SCALED_SOFTPLUS, SOFTPLUS):
        if not same_shape(match, "x") or not _is_linear(match):
            continue
        if QUOTIENT in match.made_by:
            condition = match.root.inputs[0]
            assert condition is not None, "as in the pattern"
            take_over(match.result, match.made_by[QUOTIENT].outputs[0])
            graph.remove([match.root, *filter(None, [condition.producer()])], safe=True)
        else:
            replace(match, "Softplus", [match["x"]])
        fused += 1
    return fused


def _is_linear(match: Match) -> bool:
    """Tell whether log(1 + e^x) rounds to x from the threshold on."""
    dtype, threshold = match["x"].dtype, match.numbers["threshold"]
    rounding = 0.0 if dtype is None else ROUNDING.get(dtype, 0.0)
    return threshold > 0 and math.exp(-threshold) <= threshold * rounding
