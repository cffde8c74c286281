"""Pads of convolutions that MindSpore cannot express."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, is_constant, operand
from ..base import graph_pass
from ..rewrite import Names, Site, set_attribute, set_inputs


@graph_pass(after=("explicit_window",))
def lower_conv_pads(graph: ir.Graph) -> int:
    """Give a Conv whose pads differ between both ends a Pad of its own, where it needs one.

    MindSpore 2.10: nn.Conv1d takes one number for both ends, and so, an axis, do ops.conv2d and its
    like, by which a Conv with a computed weight or bias is written.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Conv" or "auto_pad" in node.attributes:
            continue
        pads: tuple[int, ...] = attribute(node, "pads", ())
        rank = len(pads) // 2
        parameters = [value for value in node.inputs[1:] if value is not None]
        is_layer = all(is_constant(value) for value in parameters)
        if pads[:rank] == pads[rank:] or (is_layer and rank > 1):
            continue
        site, source = Site(node, names), operand(node, 0)
        wanted = site.ints([0, 0, *pads[:rank], 0, 0, *pads[rank:]], "pads")
        dtype = source.dtype if source is not None else None
        padded = site.add("Pad", [source, wanted], mode="constant", dtype=dtype)
        set_inputs(node, padded, *node.inputs[1:])
        set_attribute(node, "pads", [0] * (2 * rank))
        lowered += 1
    return lowered
