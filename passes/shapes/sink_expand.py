"""Broadcasts of masks before they are given their numbers."""

import onnx_ir as ir

from ...compiler.ir.graph import operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site
from .drop_expand import BROADCASTING

UNARY = frozenset(("Cast", "Not", "Neg"))
"""Operators of one input that compute each element by itself."""


@graph_pass(after=("infer_shapes",))
def sink_expand(graph: ir.Graph) -> int:
    """Compute with what was there before an Expand, and broadcast the result.

    All other operands must have one element. What reads the result may broadcast it anyway.
    """
    sunk = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type not in BROADCASTING | UNARY or len(node.outputs) != 1:
            continue
        places = [i for i, value in enumerate(node.inputs) if _is_expanded(value)]
        others = [value for i, value in enumerate(node.inputs) if i not in places]
        if len(places) != 1 or not all(shape_of(value) in ((), (1,)) for value in others):
            continue
        expand = node.inputs[places[0]]
        maker = None if expand is None else expand.producer()
        source, shape = (operand(maker, i) for i in (0, 1)) if maker is not None else (None, None)
        result = node.outputs[0]
        if source is None or source.shape is None or shape is None or not source.shape:
            continue
        site, whole = Site(node, names), result.shape
        site.follow("Expand", shape)
        node.replace_input_with(places[0], source)
        node.outputs[0].shape = ir.Shape(list(source.shape))
        node.outputs[0].type = result.type
        for reader in node.outputs[0].consumers():
            reader.outputs[0].shape = whole
        sunk += 1
    return sunk


def _is_expanded(value: ir.Value | None) -> bool:
    node = None if value is None else value.producer()
    return node is not None and node.op_type == "Expand" and not node.domain
