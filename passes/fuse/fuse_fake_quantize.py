"""Quantization that is undone at once."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, constant, operand
from ...compiler.ir.provenance import inherit
from ..base import graph_pass
from ..rewrite import set_attribute, set_inputs

DEFAULTS = {"axis": 1, "block_size": 0}
"""Attributes that quantization and its undoing must share."""


@graph_pass(after=("fold_constants",), writes=("FakeQuantize",))
def fuse_fake_quantize(graph: ir.Graph) -> int:
    """Replace DequantizeLinear(QuantizeLinear(x)) by onnx2ms.FakeQuantize, x rounded to a grid.

    So exporters mark a network that was trained to be quantized, and static quantizers theirs.
    """
    fused = 0
    for node in list(graph):
        if node.domain or node.op_type != "DequantizeLinear":
            continue
        source = operand(node, 0)
        quantizer = source.producer() if source is not None else None
        if quantizer is None or not _undoes(node, quantizer):
            continue
        attributes = {name: attribute(node, name, value) for name, value in DEFAULTS.items()}
        node.attributes.clear()
        for name, value in attributes.items():
            set_attribute(node, name, value)
        node.domain, node.op_type = DOMAIN, "FakeQuantize"
        set_inputs(node, *quantizer.inputs)
        inherit([node], [quantizer, node])
        if not quantizer.outputs[0].uses() and not quantizer.outputs[0].is_graph_output():
            graph.remove(quantizer, safe=True)
        fused += 1
    return fused


def _undoes(node: ir.Node, quantizer: ir.Node) -> bool:
    """Tell whether one node quantizes float32 to 8 or 16 bits, and another undoes just that."""
    x = operand(quantizer, 0)
    if quantizer.domain or quantizer.op_type != "QuantizeLinear" or x is None:
        return False
    if x.dtype != ir.DataType.FLOAT or node.outputs[0].dtype != ir.DataType.FLOAT:
        return False
    if operand(quantizer, 2) is None and attribute(quantizer, "output_dtype", 0):
        return False  # without a zero point nothing but uint8 is told
    same = all(
        attribute(node, name, value) == attribute(quantizer, name, value)
        for name, value in DEFAULTS.items()
    )
    return same and all(_is_same(operand(node, i), operand(quantizer, i)) for i in (1, 2))


def _is_same(one: ir.Value | None, other: ir.Value | None) -> bool:
    if one is other:
        return True
    left, right = constant(one), constant(other)
    if left is None or right is None:
        return False
    return left.dtype == right.dtype and np.array_equal(left, right)
