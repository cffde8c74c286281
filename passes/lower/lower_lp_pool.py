"""Pools by a norm."""

import math

import onnx_ir as ir

from ...compiler.ir.graph import attribute, rank_of
from ..base import graph_pass
from ..rewrite import Names, Site, set_attribute, set_inputs


@graph_pass(after=("explicit_window",))
def lower_lp_pool(graph: ir.Graph) -> int:
    """Write LpPool as (mean(|x|^p) * n)^(1/p) over windows of n, GlobalLpPool as ReduceL1 or L2.

    MindSpore's ops.lp_pool2d (2.10) knows neither pads nor dilations.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain:
            continue
        if node.op_type == "LpPool":
            lowered += _lower_window(Site(node, names))
        elif node.op_type == "GlobalLpPool":
            lowered += _lower_global(Site(node, names))
    return lowered


def _lower_window(site: Site) -> bool:
    node, source = site.node, site[0]
    dtype = source.dtype if source is not None else None
    power, kernel = attribute(node, "p", 2), attribute(node, "kernel_shape", ())
    dilated = any(step != 1 for step in attribute(node, "dilations", (1,)))
    if dtype is None or dilated or attribute(node, "ceil_mode", 0):
        return False
    if power == 2:
        powers = site.add("Mul", [source, source], dtype=dtype)
    else:
        powers = site.add("Abs", [source], dtype=dtype)
    if power not in (1, 2):
        powers = site.add("Pow", [powers, site.constant(power, "p", dtype)], dtype=dtype)
    node.op_type = "AveragePool"
    node.attributes.pop("p", None)
    set_attribute(node, "count_include_pad", 1)
    set_inputs(node, powers)
    if power == 2:
        site.follow("Sqrt")
    elif power != 1:
        site.follow("Pow", site.constant(1 / power, "root", dtype))
    site.follow("Mul", site.constant(math.prod(kernel), "count", dtype))
    return True


def _lower_global(site: Site) -> bool:
    node, rank, power = site.node, rank_of(site[0]), attribute(site.node, "p", 2)
    if rank is None or power not in (1, 2):
        return False
    node.op_type = f"ReduceL{power}"
    node.attributes.clear()
    set_attribute(node, "keepdims", 1)
    set_inputs(node, site[0], site.ints(range(2, rank), "axes"))
    return True
