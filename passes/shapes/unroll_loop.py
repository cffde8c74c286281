"""Loops that run a known number of times, and are short."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import numpy_type, shape_of
from ...compiler.ir.trip_count import STATES, trip_count
from ..base import graph_pass
from ..bodies import lift_body_constants, release, splice_copy
from ..rewrite import Site, sites
from ..skeleton import nested

LONGEST = 256
"""Most nodes that a loop is written as."""


@graph_pass(after=("fold_constants",))
def unroll_loop(graph: ir.Graph) -> int:
    """Write the body of a Loop as often as it runs, where constants tell that and it is short."""
    unrolled = 0
    for site in sites(graph, "Loop"):
        node = site.node
        body = node.attributes["body"].as_graph()
        count = trip_count(node)
        if count is None or count * max(1, _length(body)) > LONGEST:
            continue
        if not count and not all(map(_is_known, _scanned(node, body))):
            continue
        _unroll(site, body, count)
        unrolled += 1
    return unrolled


def _length(body: ir.Graph) -> int:
    return sum(len(inner) for inner in nested(body))


def _scanned(node: ir.Node, body: ir.Graph) -> Sequence[ir.Value]:
    """Return what a turn adds to each of the outputs that are stacked."""
    return list(body.outputs)[len(node.inputs) - STATES + 1 :]


def _is_known(value: ir.Value) -> bool:
    return shape_of(value) is not None and value.dtype is not None


def _unroll(site: Site, body: ir.Graph, count: int) -> None:
    states = [value for value in site.node.inputs[STATES:] if value is not None]
    stacks: list[list[ir.Value]] = [[] for _ in _scanned(site.node, body)]
    empty = [_nothing(site, value) for value in _scanned(site.node, body)] if not count else []
    lift_body_constants(site, body)
    yes = site.constant(True, "condition", ir.DataType.BOOL)  # of every turn that is taken
    for number in range(count):
        counter = site.constant(number, "counter", ir.DataType.INT64)
        _, *results = splice_copy(site, body, [counter, yes, *states])
        states = results[: len(states)]
        for stack, value in zip(stacks, results[len(states) :], strict=True):
            stack.append(site.add("Unsqueeze", [value, site.ints([0], "axis")], dtype=value.dtype))
    release(site.node)
    stacked = [_joined(site, stack) for stack in stacks] if count else empty
    # an output may be what the loop was given, or the same value twice: a node for each
    site.replace(*(site.add("Identity", [value]) for value in [*states, *stacked]))


def _joined(site: Site, parts: Sequence[ir.Value]) -> ir.Value:
    return parts[0] if len(parts) == 1 else site.add("Concat", parts, axis=0, dtype=parts[0].dtype)


def _nothing(site: Site, value: ir.Value) -> ir.Value:
    """Return what no turn at all stacks."""
    shape, dtype = shape_of(value), value.dtype
    assert shape is not None, "the caller has asked"
    assert dtype is not None, "the caller has asked"
    return site.constant(np.zeros((0, *shape), numpy_type(dtype)), "empty", dtype)
