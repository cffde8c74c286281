"""Weights that several cells share: one Parameter, set in the others by the root."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...compiler.ir.provenance import KEY, ROLE
from .cells import Cell
from .code import WeightSource
from .constants import is_trained, is_written_out

MOST = 2**14
"""Most elements of a constant that is read to see whether they are all the same."""


@dataclass(frozen=True)
class Held:
    """A parameter of a cell.

    Attributes:
        cell: The cell that holds it.
        name: Its name there, `weight`.
        source: Where its value comes from.
    """

    cell: Cell
    name: str
    source: WeightSource

    @property
    def path(self) -> str:
        """Name of the parameter in the network."""
        return f"{self.cell.path}.{self.name}" if self.cell.path else self.name

    @property
    def expression(self) -> str:
        """How the root's constructor reaches it: `self.blocks[0].fc.weight`."""
        return reached(self.path)


def reached(path: str) -> str:
    """Return how the root's constructor reaches what has a path."""
    parts = [f"[{part}]" if part.isdigit() else f".{part}" for part in path.split(".")]
    return f"self{''.join(parts)}"


def parameters(root: Cell) -> Iterator[Held]:
    """Yield every parameter of every cell, in the order of the tree."""
    for cell in root.walk():
        for name, source in cell.own.items():
            if not is_written_out(source):
                yield Held(cell, name, source)
        if cell.layer is not None:
            for name, source in cell.layer.weights.items():
                yield Held(cell, name, source)


def tied(root: Cell) -> dict[Held, Held]:
    """Return for each parameter that repeats an earlier one's value that earlier one.

    An initializer that two modules read is one Parameter of PyTorch's, also where one of them read
    it transposed; equal values that the exporter stored once come as two initializers, their
    Identity nodes taken apart before. Ones and zeros without a key are no Parameter, but what
    exporters fill in where a layer has none.
    """
    first: dict[tuple[object, ...], Held] = {}
    by_key: dict[tuple[object, ...], Held] = {}
    repeated: dict[Held, Held] = {}
    for held in parameters(root):
        if is_filler(held.source):
            continue
        original = first.setdefault((held.source.value, held.source.steps), held)
        key = held.source.key or held.source.value.metadata_props.get(KEY)
        if original is held and key:
            other = by_key.setdefault((key, held.source.moves or held.source.shape), held)
            if other is held or np.array_equal(other.source.read(), held.source.read()):
                original = other
        if original is not held:
            repeated[held] = original
    return repeated


def untrained(root: Cell) -> list[str]:
    """Return the statements that keep MindSpore from training what PyTorch does not train.

    These are parameters of layers that are frozen, or that PyTorch's layer does not have. Only a
    network that PyTorch's module was at hand for tells of them. Of a cell all of whose parameters
    are so it is said once.
    """
    held = list(parameters(root))
    if not any(ROLE in one.source.value.metadata_props for one in held):
        return []
    trained = {one.path: _is_trained(one) for one in held}
    within: dict[str, set[str]] = {}
    for path in trained:
        for above in parents(path):
            within.setdefault(above, set()).add(path)
    lines: list[str] = []
    done: set[str] = set()
    for one in held:
        if one.path in done or one.cell.layer is None or one.name in one.cell.layer.buffers:
            continue
        if trained[one.path]:
            continue
        for above in parents(one.path):
            below = within[above]
            if len(below) > 2 and not any(trained[path] for path in below):
                done |= below
                lines.append(f"for parameter in {reached(above)}.get_parameters():")
                lines.append("    parameter.requires_grad = False")
                break
        else:
            lines.append(f"{one.expression}.requires_grad = False")
    return lines


def parents(path: str) -> list[str]:
    """Return the paths above a parameter, without the root, the highest first."""
    parts = path.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def _is_trained(held: Held) -> bool:
    """Tell whether PyTorch trains a parameter."""
    if held.cell.layer is not None and held.name in held.cell.layer.buffers:
        return False
    if held.source.key:  # a part of a recurrent layer's weights
        return True
    return is_trained(held.source)


def is_filler(source: WeightSource) -> bool:
    """Tell whether all elements of a constant that is not PyTorch's are the same number."""
    if KEY in source.value.metadata_props or math.prod(source.shape) > MOST:
        return False
    elements = source.read().reshape(-1)
    return bool((elements == elements[:1]).all())
