"""Sizes at which a network with open dimensions is proved."""

from collections.abc import Iterator, Mapping
from itertools import islice, product

import onnx_ir as ir

from ..ir.dim_values import evaluate
from ..ir.dims import symbols
from ..ir.sizes.analysis import resolve, stored
from ..ir.sizes.inference import analyse

Binding = Mapping[str, int]

WISHES: Mapping[str, tuple[int, ...]] = {
    "batch": (2, 3, 1),
    "height": (64, 96, 32, 112, 224, 8),
    "width": (96, 64, 32, 112, 224, 8),
    "depth": (8, 16, 4),
}
"""Sizes to begin with, by the symbol's name; others are lengths."""

LENGTHS = (8, 12, 16, 5, 24, 32, 64, 96, 128, 7, 10, 1)

BINDINGS = 2
"""At so many sizes a network is proved unless the user gives arrays."""

TRIED = 20_000
"""So many combinations of sizes are looked at."""


def sample_bindings(graph: ir.Graph) -> list[Binding]:
    """Return sizes for the symbols of a graph's inputs that meet what its nodes demand.

    Two of them, that differ in every symbol if they can; for a graph of known sizes one, empty.
    """
    dims = {size for value in graph.inputs for size in stored(value) or () if size is not None}
    names = sorted({name for size in dims for name in symbols(size)})
    if not names:
        return [{}]
    found = list(islice(_fitting(graph, names), 200))
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
    """Yield the combinations of sizes that meet all demands which the inputs' symbols tell."""
    _, left = resolve(analyse(graph).demands)
    demands = [d for d in left if symbols(d.one) | symbols(d.other) <= set(names)]
    for sizes in islice(product(*map(wishes, names)), TRIED):
        binding = dict(zip(names, sizes, strict=True))
        if all(evaluate(d.one, binding) == evaluate(d.other, binding) for d in demands):
            yield binding
