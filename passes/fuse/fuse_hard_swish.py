"""The piecewise linear Swish, as MobileNetV3 computes it."""

import onnx_ir as ir

from ..base import graph_pass
from ..matching import find, replace, same_shape
from ..pattern import op, symbol
from .fuse_hard_sigmoid import RELU6, SIXTH

X = symbol("x")
GATE = op("HardSigmoid", X, alpha=1 / 6, beta=0.5)
WHOLE = X * RELU6
HARD_SWISH = X * GATE | WHOLE / 6 | WHOLE * SIXTH | X / 6 * RELU6 | X * SIXTH * RELU6


@graph_pass(after=("fuse_hard_sigmoid",))
def fuse_hard_swish(graph: ir.Graph) -> int:
    """Replace x * clip(x + 3, 0, 6) / 6 by HardSwish."""
    fused = 0
    for match in find(graph, HARD_SWISH):
        if same_shape(match, "x"):
            replace(match, "HardSwish", [match["x"]])
            fused += 1
    return fused
