"""Mish."""

import onnx_ir as ir

from ..base import graph_pass
from ..matching import find, replace, same_shape
from ..pattern import op, symbol

X = symbol("x")
MISH = X * op("Tanh", op("Softplus", X))


@graph_pass(after=("fuse_softplus",))
def fuse_mish(graph: ir.Graph) -> int:
    """Replace x * tanh(softplus(x)) by Mish."""
    fused = 0
    for match in find(graph, MISH):
        if same_shape(match, "x"):
            replace(match, "Mish", [match["x"]])
            fused += 1
    return fused
