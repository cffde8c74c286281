"""The sigmoid linear unit, which is Swish, and QuickGELU, which is Swish with alpha 1.702."""

import onnx_ir as ir

from ..base import graph_pass
from ..matching import find, replace, same_shape
from ..pattern import op, scalar, symbol

X, ALPHA = symbol("x"), scalar("alpha")
SCALED = X * op("Sigmoid", X * ALPHA)
PLAIN = X * op("Sigmoid", X) | X / (1 + op("Exp", -X))


@graph_pass(after=("drop_noop",))
def fuse_swish(graph: ir.Graph) -> int:
    """Replace x * sigmoid(alpha * x) by Swish."""
    fused = 0
    for match in find(graph, SCALED, PLAIN):
        if same_shape(match, "x"):
            replace(match, "Swish", [match["x"]], alpha=match.numbers.get("alpha", 1.0))
            fused += 1
    return fused
