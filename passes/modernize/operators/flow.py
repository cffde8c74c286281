"""Control flow."""

import onnx_ir as ir

from ....compiler.ir.errors import ModelError, quoted
from ....compiler.ir.graph import attribute
from ...bodies import new_node, turn_inputs
from ...rewrite import set_attribute, set_inputs
from ..form import Form, reads


@reads("Scan", versions=(8, 9, 11, 16, 19, 21, 23, 24, 25))
def scan(form: Form) -> None:
    """Scan; the first had a batch, whose samples are scanned one after the other."""
    if form.version >= 9:
        return
    node = form.node
    if form[0] is not None:
        raise ModelError(
            f"cannot read Scan {quoted(node.name or '')} of operator set 8: it gives the length "
            "of each sample",
            help="export the model again with opset_version=9 or newer",
        )
    given = [value for value in node.inputs[1:] if value is not None]
    counter, condition = turn_inputs(form)
    parts = [new_node(form, "Gather", [value, counter], "sample", axis=0) for value in given]
    inner = new_node(form, "Scan", [part.outputs[0] for part in parts], "result")
    inner.resize_outputs(len(node.outputs))
    for value in inner.outputs[1:]:
        value.name = form.name_for("result")
    inner.attributes["body"] = node.attributes["body"]
    set_attribute(inner, "num_scan_inputs", attribute(node, "num_scan_inputs", 1))
    directions: tuple[int, ...] = attribute(node, "directions", ())
    if directions:
        set_attribute(inner, "scan_input_directions", directions)
    goes_on = new_node(form, "Identity", [condition], "goes_on", like=condition)
    body = ir.Graph(
        [counter, condition],
        [*goes_on.outputs, *inner.outputs],
        nodes=[*parts, goes_on, inner],
        name="sample",
    )
    count = form.size(given[0], 0)
    yes = form.constant(True, "condition", ir.DataType.BOOL)
    node.op_type = "Loop"
    node.attributes.clear()
    node.attributes["body"] = ir.AttrGraph("body", body)
    set_inputs(node, count, yes)
