"""Branches that are known when the network is compiled."""

import onnx_ir as ir

from ...compiler.ir.graph import operand, scalar
from ..base import graph_pass
from ..bodies import release, splice
from ..rewrite import sites


@graph_pass(after=("fold_constants",))
def inline_if(graph: ir.Graph) -> int:
    """Put the nodes of the branch that is taken in the place of an If of constant condition."""
    inlined = 0
    for site in sites(graph, "If"):
        node = site.node
        condition = scalar(operand(node, 0))
        if condition is not None:
            branch = node.attributes["then_branch" if condition else "else_branch"].as_graph()
            results = splice(site, branch)
            # an output may be a value of the graph around, or the same value twice: a node for each
            release(node)
            site.replace(*(site.add("Identity", [value]) for value in results))
            inlined += 1
    return inlined
