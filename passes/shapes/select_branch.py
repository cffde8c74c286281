"""Branches that are told apart when the network runs, and are short."""

import onnx_ir as ir

from ...compiler.ir.graph import bodies, operand, rank_of, shape_of
from ..base import graph_pass
from ..bodies import splice
from ..rewrite import sites

LONGEST = 256
"""Most nodes of a branch that is computed though it may not be taken."""

RANDOM = frozenset(("Bernoulli", "Multinomial"))


@graph_pass(after=("inline_if",))
def select_branch(graph: ir.Graph) -> int:
    """Compute both branches of an If, and select one's results: Where(condition, then, else).

    This is if-conversion (Allen, Kennedy, Porterfield and Warren: Conversion of control dependence
    to data dependence, 1983). The branches must return tensors of the same known shapes, draw no
    random numbers and hold no control flow of their own.
    """
    selected = 0
    for site in sites(graph, "If"):
        node = site.node
        branches = [node.attributes[f"{name}_branch"].as_graph() for name in ("then", "else")]
        if not all(map(_is_plain, branches)) or not _are_alike(node, *branches):
            continue
        yes, no = (splice(site, branch) for branch in branches)
        site.replace(
            *(
                site.add("Where", [site[0], one, other], dtype=one.dtype)
                for one, other in zip(yes, no, strict=True)
            )
        )
        selected += 1
    return selected


def _is_plain(branch: ir.Graph) -> bool:
    """Tell whether nodes may run though the branch is not taken."""
    return len(branch) <= LONGEST and not any(
        node.op_type in RANDOM or node.op_type.startswith("Random") or list(bodies(node))
        for node in branch
    )


def _are_alike(node: ir.Node, yes: ir.Graph, no: ir.Graph) -> bool:
    """Tell whether both branches return the same shapes, to which the condition broadcasts."""
    rank = rank_of(operand(node, 0))
    return rank is not None and all(
        (shape := shape_of(one)) is not None
        and shape == shape_of(other)
        and one.dtype == other.dtype
        and rank <= len(shape)
        for one, other in zip(yes.outputs, no.outputs, strict=True)
    )
