"""Branches that are known when the network is compiled."""

import onnx_ir as ir

from ...compiler.ir.graph import operand, scalar
from ...compiler.ir.provenance import origins, path_of, scope_of, set_origins, set_scope
from ..base import graph_pass
from ..rewrite import Names, Site


@graph_pass(after=("fold_constants",))
def inline_if(graph: ir.Graph) -> int:
    """Put the nodes of the branch that is taken in the place of an If of constant condition."""
    inlined = 0
    for node in list(graph):
        if node.domain or node.op_type != "If":
            continue
        condition = scalar(operand(node, 0))
        if condition is not None:
            branch = node.attributes["then_branch" if condition else "else_branch"].as_graph()
            site = Site(node, Names(graph))
            results = splice(site, branch)
            # an output may be a value of the graph around, or the same value twice: a node for each
            site.replace(*(site.add("Identity", [value]) for value in results))
            inlined += 1
    return inlined


def splice(site: Site, branch: ir.Graph) -> list[ir.Value]:
    """Move a branch's nodes and constants before its If; return what the branch returned."""
    results = list(branch.outputs)
    branch.outputs.clear()
    for value in list(branch.initializers.values()):
        del branch.initializers[value.name or ""]
        value.name = site.name_for(value.name or "constant")
        site.graph.register_initializer(value)
    nodes = list(branch)
    branch.remove(nodes)
    for node in nodes:
        for value in node.outputs:
            value.name = site.name_for(value.name or node.op_type)
        if not path_of(node):
            set_scope(node, scope_of(site.node))
        set_origins(node, (*origins(site.node), *origins(node)))
    site.graph.insert_before(site.node, nodes)
    return results
