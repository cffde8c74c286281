"""Linear layers: a product with a weight and a bias."""

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import is_constant, rank_of, shape_of
from ...compiler.ir.provenance import is_made_up
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import symbol


def is_weight(value: ir.Value) -> bool:
    """Tell whether a value is a parameter of the model."""
    return is_constant(value) and not is_made_up(value)


X, WEIGHT, BIAS = symbol("x"), symbol("weight", is_weight), symbol("bias", is_weight)
LINEAR = X @ WEIGHT + BIAS


@graph_pass(after=("infer_shapes", "fold_constants"), writes=("Linear",))
def fuse_linear(graph: ir.Graph) -> int:
    """Replace x W + b by onnx2ms.Linear, of rank 2 by Gemm, the bias on either side."""
    fused = 0
    for match in find(graph, LINEAR):
        if not _is_layer(match):
            continue
        inputs = [match["x"], match["weight"], match["bias"]]
        if rank_of(match["x"]) == 2:
            replace(match, "Gemm", inputs)
        else:
            replace(match, "Linear", inputs, domain=DOMAIN)
        fused += 1
    return fused


def _is_layer(match: Match) -> bool:
    """Tell whether the weight is a matrix and the bias has one element a column."""
    rank, weight, dtype = rank_of(match["x"]), shape_of(match["weight"]), match["weight"].dtype
    if rank is None or rank < 2 or weight is None or len(weight) != 2 or 0 in weight:
        return False
    floats = dtype is not None and dtype.is_floating_point()
    return floats and shape_of(match["bias"]) == weight[1:]
