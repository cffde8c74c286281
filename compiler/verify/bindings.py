"""Sizes at which a network with open dimensions is proved."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product

import onnx_ir as ir

from ..ir.dim_values import evaluate
from ..ir.dims import Size, symbols
from ..ir.graph import attribute, bodies, integers, operand
from ..ir.sizes.analysis import Demand, resolve, stored
from ..ir.sizes.inference import analyse

Binding = Mapping[str, int]

WISHES: Mapping[str, tuple[int, ...]] = {
    "batch": (2, 3, 1),
    "height": (64, 96, 32, 112, 224, 8),
    "width": (96, 64, 32, 112, 224, 8),
    "depth": (8, 16, 4),
}
"""Sizes to begin with, by the symbol's name; others are lengths."""

LENGTHS = (8, 12, 16, 5, 24, 32, 64, 96, 128, 7, 10, 1, 256, 320, 512)

BINDINGS = 2
"""At so many sizes a network is proved unless the user gives arrays."""

TRIED = 20_000
"""So many combinations of sizes are looked at."""

COMPARED = 400
"""So many of those that meet what the graph itself demands are held against the rest of it."""


def sample_bindings(graph: ir.Graph) -> list[Binding]:
    """Return sizes for the symbols of a graph's inputs that meet what its nodes demand.

    Two of them, that differ in every symbol if they can; for a graph of known sizes one, empty.
    """
    dims = {size for value in graph.inputs for size in stored(value) or () if size is not None}
    names = sorted({name for size in dims for name in symbols(size)})
    if not names:
        return [{}]
    found = list(_fitting(graph, names))
    if not found:
        return [{name: wishes(name)[0] for name in names}]
    first = found[0]
    others = sorted(found[1:], key=lambda b: sum(b[n] == first[n] for n in names))
    return [first, *others[: BINDINGS - 1]]


def wishes(name: str) -> tuple[int, ...]:
    """Return the sizes that suit a symbol of this name, the best first."""
    stem = name.rstrip("0123456789_").lower()
    aliases = {"h": "height", "w": "width", "n": "batch", "b": "batch", "batch_size": "batch"}
    return WISHES.get(aliases.get(stem, stem), LENGTHS)


def _fitting(graph: ir.Graph, names: list[str]) -> Iterator[Binding]:
    """Yield the combinations of sizes that meet all demands which the inputs' symbols tell.

    If there are some at which nothing is empty, and that meet the demands of every branch and body
    too, only these: then each of them can be run.
    """
    known = set(names)
    _, left = resolve(analyse(graph).demands)
    within = [demand for body in nested(graph) for demand in analyse(body).demands]
    least = {pair for pair in _least(graph) if symbols(pair[0]) and symbols(pair[0]) <= known}
    signal = any(pad for _, pad in least)  # which is cut into windows: a short one has none
    sizes = [wishes(name)[::-1] if signal else wishes(name) for name in names]
    combinations = (
        dict(zip(names, chosen, strict=True)) for chosen in islice(product(*sizes), TRIED)
    )
    fitting = list(islice((b for b in combinations if _meets(b, left, known)), COMPARED))
    whole = [
        binding
        for binding in fitting
        if _meets(binding, within, known)
        and all(evaluate(size, binding) > pad for size, pad in least)
    ]
    yield from whole or fitting


def _meets(binding: Binding, demands: Iterable[Demand], known: set[str]) -> bool:
    """Tell whether sizes meet the demands that their symbols tell."""
    return all(
        evaluate(demand.one, binding) == evaluate(demand.other, binding)
        for demand in demands
        if symbols(demand.one) | symbols(demand.other) <= known
    )


def nested(graph: ir.Graph) -> Iterator[ir.Graph]:
    """Yield the graphs that the nodes of a graph hold, at any depth."""
    for node in graph:
        for body in bodies(node):
            yield body
            yield from nested(body)


def _least(graph: ir.Graph) -> Iterator[tuple[Size, int]]:
    """Yield sizes with a number that each must be above: 0, or how many elements are reflected."""
    for node in graph.all_nodes():
        for value in node.outputs:
            yield from ((size, 0) for size in stored(value) or () if size is not None)
        if node.op_type != "Pad" or attribute(node, "mode", "constant") != "reflect":
            continue
        shape, pads = stored(operand(node, 0)), integers(operand(node, 1))
        if shape is None or pads is None or len(pads) != 2 * len(shape):
            continue
        for axis, size in enumerate(shape):
            if size is not None:
                yield size, max(pads[axis], pads[axis + len(shape)])
