"""Grouping nodes into the steps of a cell, in an order in which they can run."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import onnx_ir as ir


@dataclass(eq=False)
class Unit:
    """Nodes that run as one step.

    Attributes:
        nodes: In topological order.
        name: Name of the child module; empty for a node of the cell's own.
    """

    nodes: list[ir.Node]
    name: str = ""


def outputs_of(nodes: Sequence[ir.Node]) -> list[ir.Value]:
    """Return the values that nodes make and that something else reads."""
    inside = set(nodes)
    return [
        output
        for node in nodes
        for output in node.outputs
        if output.is_graph_output() or any(use.node not in inside for use in output.uses())
    ]


def successors(units: Sequence[Unit]) -> list[set[int]]:
    """Return for each unit the indices of the units that read what it makes."""
    owner = {node: i for i, unit in enumerate(units) for node in unit.nodes}
    after: list[set[int]] = [set() for _ in units]
    for node, i in owner.items():
        for output in node.outputs:
            after[i].update(owner[u.node] for u in output.uses() if u.node in owner)
        after[i].discard(i)
    return after


def order(units: Sequence[Unit]) -> list[Unit]:
    """Return units in topological order, of several the one that stands first."""
    return [units[i] for i in sorted_indices(successors(units))]


def tangled(units: Sequence[Unit]) -> list[Unit]:
    """Return the units that wait for each other, and those behind them; none: all can run."""
    done = set(sorted_indices(successors(units)))
    return [unit for i, unit in enumerate(units) if i not in done]


def sorted_indices(after: Sequence[set[int]]) -> list[int]:
    """Return indices in topological order; those on a cycle or behind one are left out."""
    waiting = [0] * len(after)
    for targets in after:
        for target in targets:
            waiting[target] += 1
    ready = [i for i, count in enumerate(waiting) if not count]
    heapify(ready)
    done: list[int] = []
    while ready:
        i = heappop(ready)
        done.append(i)
        for target in after[i]:
            waiting[target] -= 1
            if not waiting[target]:
                heappush(ready, target)
    return done
