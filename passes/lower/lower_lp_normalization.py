"""Division by a norm."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute
from ..base import graph_pass
from ..rewrite import Site, sites

FLOAT = ir.DataType.FLOAT


@graph_pass()
def lower_lp_normalization(graph: ir.Graph) -> int:
    """Write LpNormalization as x / ||x||, and as 0 where the norm is 0."""
    lowered = 0
    for site in sites(graph, "LpNormalization"):
        _lower(site)
        lowered += 1
    return lowered


def _lower(site: Site) -> None:
    node, x = site.node, site[0]
    assert x is not None, "LpNormalization has an input"
    dtype = x.dtype or FLOAT
    axes = site.ints([attribute(node, "axis", -1)], "axes")
    norm = site.add(f"ReduceL{attribute(node, 'p', 2)}", [x, axes], keepdims=1, dtype=dtype)
    zero = site.constant(0, "zero", dtype)
    empty = site.add("Equal", [norm, zero], dtype=ir.DataType.BOOL)
    safe = site.add("Where", [empty, site.constant(1, "one", dtype), norm], dtype=dtype)
    site.replace(site.add("Div", [x, safe], dtype=dtype))
