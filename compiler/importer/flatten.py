"""One flat graph: functions inlined, every node named and told apart."""

from collections import Counter
from collections.abc import Collection
from graphlib import TopologicalSorter
from itertools import count

import onnx_ir as ir
from onnx_ir.passes.common import InlinePass

from ..ir.errors import ModelError
from ..ir.provenance import origins, set_origins

MAX_NODES = 1_000_000
"""Nodes after inlining. Functions that call functions double a few bytes into any number."""


def flatten(model: ir.Model, name: str, kept: Collection[tuple[str, str]] = ()) -> None:
    """Inline functions and give every node a name of its own and its origins.

    The nodes of a function stand for the node that called it.

    Args:
        model: Changed in place; it holds no functions then but those that were kept.
        name: The file's name.
        kept: Domains and names of functions whose nodes stay as they are.

    Raises:
        ModelError: Functions are of another opset than the model, or make too large a graph.
    """
    _name_nodes(model.graph)
    if not model.functions:
        return
    _check_size(model, name)
    try:
        InlinePass(lambda function: (function.domain, function.name) not in kept)(model)
    except ValueError as error:
        raise ModelError(
            f"{name}: functions cannot be inlined: {error}",
            help="export the network without local functions",
        ) from error
    for key, function in list(model.functions.items()):
        if (function.domain, function.name) not in kept:
            del model.functions[key]
    _name_nodes(model.graph)


def return_copies(graph: ir.Graph) -> None:
    """Let a graph that returns a constant return an Identity of it, which takes its name.

    So all that is returned is computed by some node; the dynamo exporter returns initializers.
    """
    for index, value in enumerate(graph.outputs):
        name = value.name or ""
        if name not in graph.initializers or value.producer() is not None:
            continue
        taken = {*graph.initializers, *(out.name for node in graph for out in node.outputs)}
        wish = f"{name}_constant"
        fresh = next(w for i in count() if (w := f"{wish}_{i}" if i else wish) not in taken)
        copy = ir.Value(type=value.type, shape=value.shape)
        node = ir.node("Identity", [value], outputs=[copy], name=f"Identity/{name}")
        set_origins(node, [node.name or ""])
        graph.outputs[index] = copy
        if value not in graph.outputs:
            del graph.initializers[name]
            value.name = fresh
            graph.register_initializer(value)
        copy.name = name
        graph.append(node)


def _name_nodes(graph: ir.Graph) -> None:
    """Give every node a name that no other has, `Conv_12` where it has none, and its origins."""
    nodes = list(graph.all_nodes())
    given = {node.name for node in nodes}
    seen: set[str] = set()
    for index, node in enumerate(nodes):
        wish = node.name or f"{node.op_type}_{index}"
        name, suffix = wish, 0
        while name in seen or (name != node.name and name in given):
            suffix += 1
            name = f"{wish}_{suffix}"
        if not origins(node):
            set_origins(node, [wish if node.name else name])
        node.name = name
        seen.add(name)


def _check_size(model: ir.Model, name: str) -> None:
    calls = {
        key: Counter(node.op_identifier() for node in function.all_nodes())
        for key, function in model.functions.items()
    }
    order = TopologicalSorter({key: called.keys() & calls.keys() for key, called in calls.items()})
    sizes: dict[ir.OperatorIdentifier, int] = {}
    for key in order.static_order():  # onnx.checker lets no function call itself
        sizes[key] = sum(number * sizes.get(called, 1) for called, number in calls[key].items())
    total = sum(sizes.get(node.op_identifier(), 1) for node in model.graph.all_nodes())
    if total > MAX_NODES:
        raise ModelError(
            f"{name} has {total} nodes when its functions are inlined; {MAX_NODES} are the most",
            help="no exporter writes such a file",
        )
