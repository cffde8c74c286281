"""Logarithms whose last bits decide."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute
from ..base import graph_pass
from ..rewrite import Names, Site

EXACT = ir.DataType.DOUBLE

CARRIERS = frozenset(("Add", "Sub", "Mul", "Div", "Neg", "Min", "Max", "Clip", "Identity", "Where"))
"""Operators behind which a number is still nearly what it was, scaled."""

ROUNDING = frozenset(("Floor", "Ceil", "Round"))

FARTHEST = 8
"""So many operators behind a logarithm are looked at."""


@graph_pass(after=("infer_shapes",))
def lower_log(graph: ir.Graph) -> int:
    """Compute a float32 Log that is rounded to a whole number behind it in double precision.

    MindSpore 2.10 on CPU is off by up to 2e-6 in float32, so that log(8) / log(2) is 2.9999993 in
    GRAPH where there are eight elements or more; the buckets of T5's relative positions are then
    the wrong ones. In double precision it is exact.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Log" or node.outputs[0].dtype != ir.DataType.FLOAT:
            continue
        if _is_rounded(node.outputs[0], FARTHEST):
            site = Site(node, names)
            wide = site.add("Cast", [site[0]], dtype=EXACT, to=int(EXACT))
            exact = site.add("Log", [wide], dtype=EXACT)
            site.replace(site.add("Cast", [exact], dtype=node.outputs[0].dtype, to=1))
            lowered += 1
    return lowered


def _is_rounded(value: ir.Value, left: int) -> bool:
    """Tell whether a value, or what is computed from it, is rounded to a whole number."""
    for node in value.consumers():
        if node.op_type in ROUNDING:
            return True
        if node.op_type == "Cast" and ir.DataType(attribute(node, "to", 0)).is_integer():
            return True
        if node.op_type in CARRIERS and left and _is_rounded(node.outputs[0], left - 1):
            return True
    return False
