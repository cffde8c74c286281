"""Operators of any number of operands."""

import onnx_ir as ir

from ..base import graph_pass
from ..rewrite import Names, Site, set_inputs

STEP = {"Sum": "Add", "Mean": "Add", "Max": "Max", "Min": "Min"}


@graph_pass()
def lower_variadic(graph: ir.Graph) -> int:
    """Write Sum, Mean, Max and Min of several operands as one operator of two after another.

    MindSpore's ops.maximum and ops.minimum take two; ops.addn takes several, of one shape only.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type not in STEP:
            continue
        if len(node.inputs) > 2 or (node.op_type in ("Sum", "Mean") and len(node.inputs) == 2):
            _lower(Site(node, names))
            lowered += 1
    return lowered


def _lower(site: Site) -> None:
    node, (first, *others) = site.node, site.node.inputs
    step, mean = STEP[node.op_type], node.op_type == "Mean"
    dtype = node.outputs[0].dtype or ir.DataType.FLOAT
    for other in others if mean else others[:-1]:
        first = site.add(step, [first, other], dtype=dtype)
    if mean:
        node.op_type = "Div"
        set_inputs(node, first, site.constant(len(others) + 1, "count", dtype))
    else:
        node.op_type = step
        set_inputs(node, first, others[-1])
