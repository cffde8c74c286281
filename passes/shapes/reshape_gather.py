"""Gathers that take everything in order."""

import math

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, integers, operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site, set_inputs

MOST = 2**16
"""Most indices that are read."""


@graph_pass(after=("infer_shapes", "fold_constants"))
def reshape_gather(graph: ir.Graph) -> int:
    """Replace a Gather by the indices 0, 1, 2 … of all of an axis by a Reshape.

    So the dynamo exporter writes as_strided of a tensor that is contiguous already.
    """
    replaced = 0
    names = Names(graph)
    for node in graph:
        if node.domain or node.op_type != "Gather" or not _takes_all(node):
            continue
        shape = shape_of(node.outputs[0])
        if shape is None or 0 in shape:
            continue
        site = Site(node, names)
        node.op_type = "Reshape"
        node.attributes.clear()
        set_inputs(node, site[0], site.ints(shape, "shape"))
        replaced += 1
    return replaced


def _takes_all(node: ir.Node) -> bool:
    source, indices = shape_of(operand(node, 0)), shape_of(operand(node, 1))
    if not source or not indices or math.prod(indices) > MOST:
        return False
    size = source[axis_of(attribute(node, "axis", 0), len(source))]
    if math.prod(indices) != size:
        return False
    return integers(operand(node, 1)) == tuple(range(size))
