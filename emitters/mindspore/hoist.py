"""What modules of one class share is computed around them.

The dynamo exporter computes a value once that every layer of a stack computes, such as the mask of
attention, and lets it stand in the first of them.
"""

import re
from collections.abc import Mapping

import onnx_ir as ir

from ...compiler.ir.graph import is_constant
from .code import Code, Expression

Module = tuple[str, str]  # name within its parent, qualified class
Chain = tuple[Module, ...]  # the modules around a node, from below the root


def hoist(chains: dict[ir.Node, Chain], codes: Mapping[ir.Node, Code]) -> None:
    """Take values that modules of one class share out of the one that computes them.

    Args:
        chains: The modules around every node, in topological order; changed in place.
        codes: The code of every node.
    """
    for node, own in chains.items():
        if not own or not isinstance(codes.get(node), Expression):
            continue
        if any(value.is_graph_output() for value in node.outputs):
            continue
        readers = [chains.get(user, ()) for value in node.outputs for user in value.consumers()]
        others = [chain for chain in readers if chain != own]
        if own not in readers or not others:
            continue
        if all(are_alike(chain, own) for chain in others):
            around = common([own, *others])
            if is_known_outside(node, own[: len(around) + 1], chains):
                chains[node] = around


def are_alike(one: Chain, other: Chain) -> bool:
    """Tell whether two modules are of one class in a stack of layers.

    Where the file tells no class, they must be the same part of layers that differ by number.
    """
    if not one or len(one) != len(other):
        return False
    if other[-1][1]:
        return one[-1] == other[-1]
    return one != other and [unnumbered(name) for name, _ in one] == [
        unnumbered(name) for name, _ in other
    ]


def unnumbered(name: str) -> str:
    """Return the name of a module without its number, `layers` for `layers.3`."""
    return re.sub(r"(^|\.)\d+$", "", name)


def common(chains: list[Chain]) -> Chain:
    """Return the modules that all chains begin with."""
    around: list[Module] = []
    for modules in zip(*chains, strict=False):
        if len(set(modules)) > 1:
            break
        around.append(modules[0])
    return tuple(around)


def is_known_outside(node: ir.Node, module: Chain, chains: Mapping[ir.Node, Chain]) -> bool:
    """Tell whether nothing that a node reads is computed in a module or held by it."""
    for value in node.inputs:
        if value is None:
            continue
        if is_constant(value) and value.const_value is not None and value.const_value.size > 1:
            return False
        producer = value.producer()
        if producer is not None and chains.get(producer, ())[: len(module)] == module:
            return False
    return True
