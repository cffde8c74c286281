"""Nodes of which the exporter does not tell the module."""

import onnx_ir as ir

from ..ir.provenance import SCOPE, Scope, common_scope, scope_of, set_scope


def place_unscoped(graph: ir.Graph) -> None:
    """Place nodes without a scope where all that read them are, if others have scopes.

    The dynamo exporter writes no metadata for what splits a tensor in several (Split, Slice), so
    that `MixedConv2d` would stand inside out: its convolutions inside, their Split in between.
    """
    if not any(SCOPE in node.metadata_props for node in graph):
        return
    scopes: dict[ir.Node, Scope] = {}
    for node in reversed(graph):
        if SCOPE not in node.metadata_props:
            readers = [user for value in node.outputs for user in value.consumers()]
            around = common_scope([scopes[user] for user in readers if user in scopes])
            if around:
                set_scope(node, around)
        scopes[node] = scope_of(node)
