"""The piecewise linear sigmoid, as MobileNetV3 computes it."""

import onnx_ir as ir

from ..base import graph_pass
from ..matching import find, replace, same_shape
from ..pattern import number, op, symbol

X = symbol("x")
SIXTH = number(1 / 6, within=3e-6)  # exporters print it with six digits
RELU6 = op("Clip", X + 3, 0, 6)
HARD_SIGMOID = RELU6 / 6 | RELU6 * SIXTH | op("Clip", X / 6 + 0.5 | X * SIXTH + 0.5, 0, 1)


@graph_pass(after=("drop_noop",))
def fuse_hard_sigmoid(graph: ir.Graph) -> int:
    """Replace clip(x + 3, 0, 6) / 6 by HardSigmoid of slope 1/6."""
    fused = 0
    for match in find(graph, HARD_SIGMOID):
        if same_shape(match, "x"):
            replace(match, "HardSigmoid", [match["x"]], alpha=1 / 6, beta=0.5)
            fused += 1
    return fused
