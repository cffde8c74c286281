"""Softplus that is its argument above a threshold, as PyTorch computes it."""

import math

import onnx_ir as ir

from ..base import graph_pass
from ..matching import Match, find, replace, same_shape
from ..pattern import op, scalar, symbol

X, THRESHOLD = symbol("x"), scalar("threshold")
SMOOTH = op("Softplus", X)
ABOVE = op("Greater", X, THRESHOLD) | op("GreaterOrEqual", X, THRESHOLD)
BELOW = op("Less", X, THRESHOLD) | op("LessOrEqual", X, THRESHOLD)
SOFTPLUS = op("Where", ABOVE, X, SMOOTH) | op("Where", BELOW, SMOOTH, X)

ROUNDING = {
    ir.DataType.FLOAT: 2.0**-24,
    ir.DataType.FLOAT16: 2.0**-11,
    ir.DataType.BFLOAT16: 2.0**-8,
}
"""Half a unit in the last place of 1."""


@graph_pass(after=("drop_noop",))
def fuse_softplus(graph: ir.Graph) -> int:
    """Replace softplus(x), and x above 20, by Softplus, which is x there within its type."""
    fused = 0
    for match in find(graph, SOFTPLUS):
        if same_shape(match, "x") and _is_linear(match):
            replace(match, "Softplus", [match["x"]])
            fused += 1
    return fused


def _is_linear(match: Match) -> bool:
    """Tell whether log(1 + e^x) rounds to x from the threshold on."""
    dtype, threshold = match["x"].dtype, match.numbers["threshold"]
    rounding = 0.0 if dtype is None else ROUNDING.get(dtype, 0.0)
    return threshold > 0 and math.exp(-threshold) <= threshold * rounding
