"""Operators of com.microsoft."""

import onnx_ir as ir

from ...compiler.ir.graph import blaming
from ..base import graph_pass
from ..rewrite import Names, Site
from . import activations, attention, normalization, quantized
from .rules import RULES

DOMAIN = "com.microsoft"
KINDS = (activations, attention, normalization, quantized)
"""Importing these fills the table."""


@graph_pass(after=("infer_shapes",))
def modernize_contrib(graph: ir.Graph) -> int:
    """Write operators that onnxruntime's optimizers and quantizers make in the dialect."""
    changed = 0
    names = Names(graph)
    for node in list(graph):
        simplified = not node.domain and node.op_type == "SimplifiedLayerNormalization"
        rule = RULES.get(node.op_type) if node.domain == DOMAIN or simplified else None
        if rule is not None:
            with blaming(node):
                changed += rule(Site(node, names))
    return changed
