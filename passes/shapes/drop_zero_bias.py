"""Biases that were made up."""

import onnx_ir as ir

from ...compiler.ir.graph import is_constant, operand
from ..base import graph_pass
from ..rewrite import set_inputs
from .splat import Splat

BIASED = ("Conv", "ConvTranspose", "Gemm")
"""Operators whose third input is an optional bias."""


@graph_pass(after=("fold_constants",))
def drop_zero_bias(graph: ir.Graph) -> int:
    """Leave out a bias of zeros that was computed from a single zero.

    torch's dynamo exporter (`optimize=False`) writes Expand(CastLike(0, x), shape) for the bias
    that a convolution does not have. A bias of zeros that is a weight of the file stays.
    """
    dropped = 0
    for node in graph:
        if not node.domain and node.op_type in BIASED and _is_made_up_zero(operand(node, 2)):
            set_inputs(node, *node.inputs[:2])
            dropped += 1
    return dropped


def _is_made_up_zero(value: ir.Value | None) -> bool:
    tensor = value.const_value if value is not None and is_constant(value) else None
    return isinstance(tensor, Splat) and not tensor.element.any()
