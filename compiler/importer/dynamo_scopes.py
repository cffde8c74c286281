"""What torch.onnx.export(dynamo=True) writes about modules and weights, into metadata."""

import re
from collections.abc import Iterable

import onnx_ir as ir

from ..ir.graph import is_constant, operand, rank_of
from ..ir.provenance import KEY, Module, Scope, add_history, set_scope
from .paths import is_path, parents

SCOPES = "pkg.torch.onnx.name_scopes"
CLASSES = "pkg.torch.onnx.class_hierarchy"
FX_NODE = "pkg.torch.onnx.fx_node"
RULE = "pkg.onnxscript.rewriter.rule_name"
SIGNATURE = "pkg.torch.export.ExportedProgram.graph_signature"

STRINGS = re.compile(r"\[(?:'([^'\\]*)'(?:, |(?=\])))+\]")
"""A Python list of plain strings, the only thing that the exporter writes there."""
STRING = re.compile(r"'([^'\\]*)'")
PARAMETER = re.compile(r"^(\w+): (?:PARAMETER target='(.*)'|BUFFER target='(.*)' persistent=True)$")
LINEAR = re.compile(r"target=torch\.ops\.aten\.linear\.default\]\(args = \(%\w+, %(\w+)")

FOLDED = "BatchNorm folded in by the exporter"
TRANSPOSED = "transposed by the exporter"

CLASS_OF = {
    "Conv": "torch.nn.modules.conv.Conv{}d",
    "ConvTranspose": "torch.nn.modules.conv.ConvTranspose{}d",
    "Gemm": "torch.nn.modules.linear.Linear",
}


def read(model: ir.Model) -> None:
    """Store scopes and state_dict keys of a model that PyTorch's dynamo exporter wrote."""
    nodes = list(model.graph.all_nodes())
    scopes = {node: _labels(node) for node in nodes}
    classes = {module.path: module.class_name for s in scopes.values() for module in s}
    for node, scope in scopes.items():
        if SCOPES in node.metadata_props:
            root = Module("", classes.get("", ""))
            set_scope(node, _before_folding(node, scope, classes) or (root,))
    _read_keys(model, nodes)


def _labels(node: ir.Node) -> Scope:
    """Return the modules around a node as its metadata name them; empty if they make no sense.

    The last element is the aten operator. Nodes that torch.export itself added, such as sizes of
    dynamic dimensions, are not under the root module ''.
    """
    paths = _strings(node.metadata_props.get(SCOPES, ""))[:-1]
    classes = _strings(node.metadata_props.get(CLASSES, ""))[:-1]
    if len(paths) != len(classes) or paths[:1] != [""] or not all(map(is_path, paths[1:])):
        return ()
    return tuple(Module(path, name) for path, name in zip(paths, classes, strict=True))


def _strings(text: str) -> list[str]:
    return STRING.findall(text) if STRINGS.fullmatch(text) else []


def _before_folding(node: ir.Node, scope: Scope, classes: dict[str, str]) -> Scope:
    """Return the scope of the layer that a node is, not of the BatchNorm folded into it.

    A rewritten node carries the metadata of its last part, but its weight still has the name of
    the layer.
    """
    if node.op_type not in CLASS_OF or not scope:
        return scope
    if not _is_folded(node) and "BatchNorm" not in scope[-1].class_name:
        return scope
    weight = operand(node, 1)
    name = weight.name or "" if is_constant(weight) and weight else ""
    class_name = CLASS_OF[node.op_type].format((rank_of(weight) or 2) - 2)
    path = name.removesuffix(".weight")
    if path == name or not is_path(path):
        return (*scope[:-1], Module(scope[-1].path, class_name))
    known = (Module(parent, classes[parent]) for parent in parents(path) if parent in classes)
    return (*known, Module(path, classes.get(path, class_name)))


def _is_folded(node: ir.Node) -> bool:
    return "FuseBatchNormInto" in node.metadata_props.get(RULE, "")


def _read_keys(model: ir.Model, nodes: Iterable[ir.Node]) -> None:
    """Store the state_dict keys of initializers that hold what the state_dict holds.

    A weight with a BatchNorm folded in keeps its name, but not its value.
    """
    keys: dict[str, str] = {}
    for line in model.graph.metadata_props.get(SIGNATURE, "").splitlines():
        if found := PARAMETER.match(line):
            keys[found[1]] = found[2] or found[3]
    changed: dict[ir.Value, str] = {}
    for node in nodes:
        weight = operand(node, 1)
        if _is_folded(node):
            changed.update((v, FOLDED) for v in node.inputs[1:3] if v is not None)
        elif node.op_type == "MatMul" and weight is not None and is_constant(weight):
            linear = LINEAR.search(node.metadata_props.get(FX_NODE, ""))
            key = keys.get(linear[1]) if linear else None
            if key and weight.name != key and rank_of(weight) == 2:
                weight.metadata_props[KEY] = key
                changed[weight] = TRANSPOSED
    targets = set(keys.values())
    for value, step in changed.items():
        if is_constant(value):
            add_history(value, step)
    for value in model.graph.initializers.values():
        if value.name in targets and value not in changed:
            value.metadata_props[KEY] = value.name
