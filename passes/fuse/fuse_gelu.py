"""The Gaussian error linear unit, by the error function or by tanh."""

import math

import onnx_ir as ir

from ..base import graph_pass
from ..matching import find, replace, same_shape
from ..pattern import Pattern, halved, op, product, symbol

X = symbol("x")


def _exact() -> Pattern:
    """Return x / 2 * (1 + erf(x / sqrt 2))."""
    inner = X / math.sqrt(2) | X * math.sqrt(0.5)
    return _gated(op("Erf", inner) + 1)


def _by_tanh() -> Pattern:
    """Return x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))."""
    scale, third = math.sqrt(2 / math.pi), 0.044715
    square, cube = X**2, X**3
    polynomial = X + (product(third, X, X, X) | product(third, X, square) | third * cube)
    factor = 1 + (product(third, X, X) | third * square)
    return _gated(op("Tanh", product(scale, polynomial) | product(scale, X, factor)) + 1)


def _gated(gate: Pattern) -> Pattern:
    """Return x / 2 * gate, bracketed in any way."""
    return halved(X) * gate | halved(X * gate) | X * halved(gate)


EXACT, BY_TANH = _exact(), _by_tanh()


@graph_pass(after=("drop_noop",))
def fuse_gelu(graph: ir.Graph) -> int:
    """Replace x/2 * (1 + erf(x/sqrt 2)), and the same by tanh, by Gelu."""
    fused = 0
    for pattern, approximate in ((EXACT, "none"), (BY_TANH, "tanh")):
        for match in find(graph, pattern):
            if same_shape(match, "x"):
                replace(match, "Gelu", [match["x"]], approximate=approximate)
                fused += 1
    return fused
