"""Reshapes of open sizes that only put in axes of one element."""

import onnx_ir as ir

from ...compiler.ir.graph import is_constant
from ...compiler.ir.sizes.analysis import known_shape
from ..base import graph_pass
from ..rewrite import set_inputs, sites


@graph_pass(after=("infer_shapes", "join_reshapes"))
def unsqueeze_reshape(graph: ir.Graph) -> int:
    """Replace a Reshape to a computed shape by Unsqueeze, where it only adds axes of one element.

    Then no size need be computed.
    """
    replaced = 0
    for site in sites(graph, "Reshape"):
        before, after = known_shape(site[0]), known_shape(site.node.outputs[0])
        if is_constant(site[1]) or before is None or after is None or 1 in before:
            continue
        if any(user.op_type == "Transpose" for user in site.node.outputs[0].consumers()):
            continue  # windows are parted, though here one of them is all there is
        new = [axis for axis, size in enumerate(after) if size == 1]
        if not new or tuple(size for size in after if size != 1) != before:
            continue
        site.node.op_type = "Unsqueeze"
        site.node.attributes.clear()
        set_inputs(site.node, site[0], site.ints(new, "axes"))
        replaced += 1
    return replaced
