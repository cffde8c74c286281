"""Reductions over no elements."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import operand, shape_of
from ...compiler.ir.reductions import of_nothing
from ..base import graph_pass
from ..rewrite import Names, Site, set_inputs


@graph_pass(after=("infer_shapes",))
def lower_empty_reduction(graph: ir.Graph) -> int:
    """Replace a reduction over an empty axis by what it is: 0 for a sum, 1 for a product.

    MindSpore 2.10 returns what lay in memory, silently, in both modes.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        before, after = shape_of(operand(node, 0)), shape_of(node.outputs[0])
        dtype = node.outputs[0].dtype or ir.DataType.FLOAT
        neutral = of_nothing(node.op_type, dtype)
        if node.domain or neutral is None or before is None or after is None:
            continue
        if 0 not in before or 0 in after:
            continue
        site = Site(node, names)
        site.afford(*after)
        constant = site.constant(np.full(after, neutral), "empty", dtype)
        node.op_type = "Identity"
        node.attributes.clear()
        set_inputs(node, constant)
        lowered += 1
    return lowered
