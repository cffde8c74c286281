"""The gated linear unit."""

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, shape_of
from ..base import graph_pass
from ..matching import find, replace
from ..pattern import op, symbol

X, SIZES = symbol("x"), symbol("sizes")
SPLIT = {"value": op("Split", X), "gate": op("Split", X, output=1)}
SIZED = {"value": op("Split", X, SIZES), "gate": op("Split", X, SIZES, output=1)}
GLU = tuple(split["value"] * op("Sigmoid", split["gate"]) for split in (SPLIT, SIZED))


@graph_pass(after=("infer_shapes",), writes=("Glu",))
def fuse_glu(graph: ir.Graph) -> int:
    """Replace the first half of x times the sigmoid of its second half by onnx2ms.Glu."""
    fused = 0
    for match in find(graph, *GLU):
        splits = [node for node in match.nodes if node.op_type == "Split"]
        if len(splits) > 1 or len(splits[0].outputs) != 2:
            continue
        value, gate = splits[0].outputs
        if shape_of(value) is not None and shape_of(value) == shape_of(gate):
            axis = attribute(splits[0], "axis", 0)
            replace(match, "Glu", [match["x"]], domain=DOMAIN, axis=axis)
            fused += 1
    return fused
