"""Which keys of the state_dict the weights of torch.onnx.export(dynamo=True) bear."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from ..ir.graph import is_constant, operand, rank_of
from ..ir.provenance import KEY, add_history, set_missing_keys
from .exporter_words import COMPUTED, FOLDED, RESHAPED, TRANSPOSED, UNUSED, set_changed_key

FX_NODE = "pkg.torch.onnx.fx_node"
RULE = "pkg.onnxscript.rewriter.rule_name"
SIGNATURE = "pkg.torch.export.ExportedProgram.graph_signature"

PARAMETER = re.compile(r"^(\w+): (?:PARAMETER target='(.*)'|BUFFER target='(.*)' persistent=True)$")
CALL = re.compile(r"target=torch\.ops\.aten\.(\w+)\.\w+\]\(args = \((.*)\), kwargs")
ARGUMENT = re.compile(r"%(\w+)")


@dataclass(frozen=True)
class Changed:
    """A weight that the exporter stores in another form than the state_dict does.

    Attributes:
        function: The function of aten that the node comes from.
        parameter: Which of the function's weights it is.
        rank: Number of dimensions in the file; None: any.
        step: What the exporter did to it.
    """

    function: str
    parameter: int
    rank: int | None
    step: str


CHANGED = {
    "MatMul": Changed("linear", 0, 2, TRANSPOSED),
    "Mul": Changed("group_norm", 0, None, RESHAPED),
    "Add": Changed("group_norm", 1, None, RESHAPED),
    "PRelu": Changed("prelu", 0, None, RESHAPED),
}
"""By operator. Of a linear layer on matrices (Gemm) and all others the name is the key."""


def is_folded(node: ir.Node) -> bool:
    """Tell whether a BatchNorm was folded into a node's weights."""
    return "FuseBatchNormInto" in node.metadata_props.get(RULE, "")


def read_keys(model: ir.Model, nodes: Sequence[ir.Node]) -> None:
    """Store the state_dict keys of initializers that hold what the state_dict holds.

    A weight with a BatchNorm folded in keeps its name, but not its value. Keys that no initializer
    holds are stored with the reason.
    """
    keys = _signature(model)
    if not keys:
        return
    folded = {v for node in nodes if is_folded(node) for v in node.inputs[1:3] if is_constant(v)}
    for value in filter(None, folded):
        add_history(value, FOLDED)
    for node in nodes:
        _read_changed(node, keys)
    targets = set(keys.values())
    for value in model.graph.initializers.values():
        if value not in folded and value.name in targets:
            value.metadata_props[KEY] = value.name
    held = {value.metadata_props.get(KEY) for value in model.graph.initializers.values()}
    read = {
        keys[name]
        for node in nodes
        for name in ARGUMENT.findall(node.metadata_props.get(FX_NODE, ""))
        if name in keys
    }
    named = {value.name for value in folded if value is not None}
    set_missing_keys(
        model,
        {
            key: FOLDED if key in named else COMPUTED if key in read else UNUSED
            for key in keys.values()
            if key not in held
        },
    )


def _signature(model: ir.Model) -> dict[str, str]:
    """Return the state_dict's key of each parameter and buffer of the exported program."""
    lines = model.graph.metadata_props.get(SIGNATURE, "").splitlines()
    found = filter(None, map(PARAMETER.match, lines))
    return {match[1]: match[2] or match[3] for match in found}


def _read_changed(node: ir.Node, keys: dict[str, str]) -> None:
    """Store the key of a weight that the exporter stores transposed or reshaped."""
    form = CHANGED.get(node.op_type)
    call = CALL.search(node.metadata_props.get(FX_NODE, ""))
    if form is None or call is None or call[1] != form.function:
        return
    weight = operand(node, 1)
    parameters = [keys[name] for name in ARGUMENT.findall(call[2]) if name in keys]
    if weight is None or not is_constant(weight) or form.parameter >= len(parameters):
        return
    key = parameters[form.parameter]
    if weight.name != key and form.rank in (None, rank_of(weight)):
        set_changed_key(weight, key, form.step)
