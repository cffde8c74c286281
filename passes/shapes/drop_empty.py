"""Tensors without elements that are joined to others."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute
from ..base import graph_pass
from ..rewrite import set_inputs, sites


@graph_pass(after=("infer_shapes",))
def drop_empty(graph: ir.Graph) -> int:
    """Leave out of a Concat what has no elements along its axis.

    The legacy exporter writes a roll by 0 as x[0:] joined with x[:0].
    """
    dropped = 0
    for site in sites(graph, "Concat"):
        node = site.node
        inputs = [value for value in node.inputs if value is not None]
        kept = [value for value in inputs if not _is_empty(value, attribute(node, "axis", 0))]
        if kept and len(kept) < len(inputs):
            set_inputs(node, *kept)
            dropped += 1
    return dropped


def _is_empty(value: ir.Value, axis: int) -> bool:
    if value.shape is None or not -len(value.shape) <= axis < len(value.shape):
        return False
    return value.shape[axis] == 0
