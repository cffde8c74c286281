"""Operators that are written as the functions by which ONNX defines them."""

from collections.abc import Sequence
from typing import Protocol, cast

import onnx
import onnx_ir as ir

from ...compiler.ir.dialect import NEWEST_OPSET, OPSET
from ...compiler.ir.graph import blaming
from ..base import graph_pass
from ..rewrite import Names, Site
from ..shapes.infer_shapes import infer
from .modernize_operators import modernize

PREVIEW = "ai.onnx.preview"
DEFINED = frozenset(
    [
        ("", "BlackmanWindow"),
        ("", "CausalConvWithState"),
        ("", "CenterCropPad"),
        ("", "HammingWindow"),
        ("", "HannWindow"),
        ("", "LinearAttention"),
        ("", "MeanVarianceNormalization"),
        ("", "SwiGLU"),
        (PREVIEW, "FlexAttention"),
    ]
)
"""Operators that MindSpore has no function for, and that read well as their definition."""


class _Schema(Protocol):
    """The part of OpSchema that its type stubs leave out."""

    has_function: bool
    function_body: onnx.FunctionProto

    def get_context_dependent_function(
        self, node: bytes, input_types: Sequence[bytes]
    ) -> bytes: ...


@graph_pass(after=("modernize_operators",))
def inline_functions(graph: ir.Graph) -> int:
    """Replace an operator that MindSpore has nothing for by ONNX's own definition of it.

    The definition of some operators depends on attributes, types and absent inputs.
    """
    inlined = 0
    if not any((node.domain, node.op_type) in DEFINED for node in graph):
        return 0
    infer(graph, NEWEST_OPSET, data_prop=False)  # some definitions depend on types and ranks
    for node in list(graph):
        if (node.domain, node.op_type) in DEFINED:
            with blaming(node):
                inlined += _inline(node, Names(graph))
    return inlined


def _inline(node: ir.Node, names: Names) -> bool:
    definition = _definition(node)
    if definition is None:
        return False
    function = ir.serde.deserialize_function(definition)
    _resolve_attributes(node, function)
    site, body = Site(node, names), function.graph
    version = function.opset_imports.get("", OPSET)
    modernize(body, version)
    for formal, actual in zip(function.inputs, [*node.inputs, *[None] * 32], strict=False):
        _substitute(formal, actual)
    results = list(function.outputs)
    body.outputs.clear()
    nodes = list(body)
    body.remove(nodes)
    for inner in nodes:
        inner.name = names.fresh(f"{node.name}/{inner.name or inner.op_type}")
        for value in inner.outputs:
            value.name = site.name_for(value.name or inner.op_type.lower())
    site.insert(nodes)
    site.replace(*results[: len(node.outputs)])
    return True


def _definition(node: ir.Node) -> onnx.FunctionProto | None:
    """Return the body of an operator as ONNX publishes it for this node."""
    schema = cast("_Schema", onnx.defs.get_schema(node.op_type, NEWEST_OPSET, domain=node.domain))
    if schema.has_function:
        return schema.function_body
    types = [
        b"" if value is None else _type_proto(value).SerializeToString() for value in node.inputs
    ]
    serialized = ir.serde.serialize_node(node).SerializeToString()
    body = schema.get_context_dependent_function(serialized, types)
    return onnx.FunctionProto.FromString(body) if body else None


def _type_proto(value: ir.Value) -> onnx.TypeProto:
    info = onnx.ValueInfoProto()
    ir.serde.serialize_value_into(info, value)
    return info.type


def _resolve_attributes(node: ir.Node, function: ir.Function) -> None:
    """Give the nodes of a body the attributes of the node that it stands for."""
    for inner in function.graph.all_nodes():
        for name, attr in list(inner.attributes.items()):
            if not attr.is_ref():
                continue
            found = node.attributes.get(attr.ref_attr_name or "") or _default(node, attr)
            if found is None:
                del inner.attributes[name]
            else:
                inner.attributes[name] = ir.Attr(name, found.type, found.value)


def _default(node: ir.Node, reference: ir.Attr) -> ir.Attr | None:
    """Return the value of an attribute that a node does not carry, as its schema has it."""
    schema = onnx.defs.get_schema(node.op_type, NEWEST_OPSET, node.domain)
    default = schema.attributes[reference.ref_attr_name or ""].default_value
    return ir.serde.deserialize_attribute(default) if default.type else None


def _substitute(formal: ir.Value, actual: ir.Value | None) -> None:
    """Let the readers of a function's input read the node's, or nothing where that is absent."""
    if actual is not None:
        formal.replace_all_uses_with(actual, replace_graph_outputs=True)
        return
    for use in list(formal.uses()):
        use.node.replace_input_with(use.idx, None)
