"""Dropouts that are active, or that return their mask."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import operand, scalar, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site

FLOAT, BOOL = ir.DataType.FLOAT, ir.DataType.BOOL


@graph_pass(after=("infer_shapes",))
def lower_dropout(graph: ir.Graph) -> int:
    """Write out a Dropout that is active whatever `set_train` says, or that returns its mask.

    An element is kept where a random number is not below the ratio, and divided by 1 - ratio.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Dropout" or _is_layer(node):
            continue
        lowered += _lower(Site(node, names))
    return lowered


def _is_layer(node: ir.Node) -> bool:
    """Tell whether nn.Dropout does it."""
    mask = any(value.uses() or value.is_graph_output() for value in node.outputs[1:])
    idle = operand(node, 2) is None or scalar(operand(node, 2)) is False
    known = operand(node, 1) is None or scalar(operand(node, 1)) is not None
    return idle and known and not mask


def _lower(site: Site) -> bool:
    node, x, active = site.node, site[0], site[2]
    assert x is not None, "Dropout has an input"
    dtype = x.dtype or FLOAT
    if active is None or scalar(active) is False:
        results = [site.add("Identity", [x], dtype=dtype)]
        if len(node.outputs) > 1:
            results.append(_everywhere(site))
        site.replace(*results)
        return True
    ratio = site[1] if site[1] is not None else site.constant(0.5, "ratio", FLOAT)
    ratio = site.add("Cast", [ratio], to=int(dtype), dtype=dtype)
    if scalar(active) is None:
        ratio = site.add("Where", [active, ratio, site.constant(0, "zero", dtype)], dtype=dtype)
    drawn = site.add("RandomUniformLike", [x], dtype=dtype)
    kept = site.add("GreaterOrEqual", [drawn, ratio], dtype=BOOL)
    rest = site.add("Sub", [site.constant(1, "one", dtype), ratio], dtype=dtype)
    scaled = site.add("Div", [x, rest], dtype=dtype)
    result = site.add("Where", [kept, scaled, site.constant(0, "zero", dtype)], dtype=dtype)
    site.replace(*[result, kept][: len(node.outputs)])
    return True


def _everywhere(site: Site) -> ir.Value:
    """Return the mask of a Dropout that keeps everything."""
    shape = shape_of(site[0])
    if shape is not None:
        site.afford(*shape)
        mask = site.constant(np.ones(shape, bool), "mask", BOOL)
        return site.add("Identity", [mask], dtype=BOOL)
    true = site.constant(True, "true", BOOL)
    sizes = site.add("Shape", [site[0]], dtype=ir.DataType.INT64)
    return site.add("Expand", [true, sizes], dtype=BOOL)
