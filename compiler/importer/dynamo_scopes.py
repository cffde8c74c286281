"""What torch.onnx.export(dynamo=True) writes about modules, into metadata."""

import re

import onnx_ir as ir

from ..ir.graph import is_constant, operand, rank_of
from ..ir.provenance import Module, Scope, set_scope
from .dynamo_keys import is_folded, read_keys
from .paths import is_path, parents

SCOPES = "pkg.torch.onnx.name_scopes"
CLASSES = "pkg.torch.onnx.class_hierarchy"

STRINGS = re.compile(r"\[(?:'([^'\\]*)'(?:, |(?=\])))+\]")
"""A Python list of plain strings, the only thing that the exporter writes there."""
STRING = re.compile(r"'([^'\\]*)'")
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
    read_keys(model, nodes)


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
    if not is_folded(node) and "BatchNorm" not in scope[-1].class_name:
        return scope
    weight = operand(node, 1)
    name = weight.name or "" if is_constant(weight) and weight else ""
    class_name = CLASS_OF[node.op_type].format((rank_of(weight) or 2) - 2)
    path = name.removesuffix(".weight")
    if path == name or not is_path(path):
        return (*scope[:-1], Module(scope[-1].path, class_name))
    known = (Module(parent, classes[parent]) for parent in parents(path) if parent in classes)
    return (*known, Module(path, classes.get(path, class_name)))
