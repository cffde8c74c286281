"""Sizes in a cell: read of the shapes of what it is called with, or handed to it as numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import onnx_ir as ir

from ...compiler.ir.dim_text import formula
from ...compiler.ir.dims import (
    Dim,
    Quotient,
    Size,
    add,
    as_quotient_of,
    exact_quotient,
    multiply,
    symbols,
)
from ...compiler.ir.sizes.analysis import Sizes
from .cells import Cell, Step
from .code import Host, Literal

SIZE, ARGUMENT = "size", "argument"

SIDES = frozenset(["height", "width"])


def localize(cell: Cell, inputs: Sequence[ir.Value], known: Sizes) -> None:
    """Write the sizes in a cell's steps as what `construct` computes.

    What the shapes of the inputs do not tell becomes an argument of the cell, and so a size in the
    step of the cell around that calls it.

    Args:
        cell: The cell.
        inputs: What it is called with.
        known: The sizes of the graph.
    """
    reader = Reader(cell, inputs, known)
    for step in cell.steps:
        if step.code is not None and any(map(holds_size, step.code.settings.values())):
            settings = {name: reader.literal(v) for name, v in step.code.settings.items()}
            step.code = replace(step.code, settings=settings)
        step.sizes = tuple(reader.literal(size) for size in step.sizes)


class Reader:
    """Tells how a cell computes a size.

    Args:
        cell: The cell; sizes that its inputs do not tell are added to its own.
        inputs: What it is called with.
        known: The sizes of the graph.
    """

    def __init__(self, cell: Cell, inputs: Sequence[ir.Value], known: Sizes) -> None:
        self._cell = cell
        self._places: dict[Size, Host] = {}
        self._same = known.same
        for index, value in enumerate(inputs):
            for axis, size in enumerate(known.shape(value) or ()):
                for told in (size, known.same.get(size, size)):
                    if isinstance(told, Dim):
                        self._places.setdefault(told, Host(f"{SIZE} {index} {axis}"))

    def literal(self, value: Literal) -> Literal:
        """Return a constant with each size in it as an expression."""
        if isinstance(value, tuple):
            return tuple(self.literal(item) for item in value)
        return self.size(value) if isinstance(value, Dim) else value

    def told(self, size: Size) -> Literal:
        """Return how a size is computed of the inputs' shapes alone, or None."""
        return self._computed(size)

    def size(self, size: Size) -> Literal:
        """Return how a size is computed."""
        found = self._computed(size)
        if found is not None:
            return found
        assert isinstance(size, Dim), "numbers are computed as they are"
        if size not in self._cell.sizes:
            self._cell.sizes.append(size)
        return Host(f"{ARGUMENT} {self._cell.sizes.index(size)}")

    def _computed(self, size: Size) -> Literal:
        """Return a size as an expression of what is at hand, or None."""
        if isinstance(size, int):
            return size
        if size in self._places:
            return self._places[size]
        if size in self._same and (found := self._computed(self._same[size])) is not None:
            return found
        if not size.symbol:
            function, operands = formula(size)
            parts = tuple(self._computed(operand) for operand in operands)
            if None not in parts:
                return Host(function, parts)
        return self._from_place(size)

    def _from_place(self, size: Dim) -> Literal:
        """Return a size as what one size of an input tells: a sum with a number, a quotient.

        With h // 8 at hand so is h // 8 + 1, and (h + 48) // 56, which is (h // 8 + 6) // 7.
        """
        for place, host in self._places.items():
            assert isinstance(place, Dim), "numbers need no place"
            if isinstance(added := add(size, multiply(place, -1)), int):
                return Host("+", (host, added))
            if isinstance(factor := exact_quotient(place, size), int):
                return Host("//", (host, factor))
            whole, part = _quotient(size), _quotient(place)
            found = None if whole is None or part is None else as_quotient_of(whole, part)
            if found is not None:
                offset, divisor = found
                dividend = Host("+", (host, offset)) if offset else host
                return Host("//", (dividend, divisor))
        return None


def _quotient(size: Dim) -> Quotient | None:
    """Return the quotient that a size is."""
    match size.terms:
        case (((Quotient() as quotient,), 1),):
            return quotient
        case _:
            return None


def holds_size(value: Literal) -> bool:
    """Tell whether a constant holds a size that is an expression."""
    if isinstance(value, tuple):
        return any(map(holds_size, value))
    return isinstance(value, Dim | Host)


def sizes_in(value: Literal) -> Iterator[Dim]:
    """Yield the sizes in a constant that are expressions."""
    if isinstance(value, tuple):
        for item in value:
            yield from sizes_in(item)
    elif isinstance(value, Dim):
        yield value


def references(value: Literal) -> Iterator[str]:
    """Yield the sizes of inputs, and arguments, that a constant is computed from, in order."""
    if isinstance(value, tuple):
        for item in value:
            yield from references(item)
    elif isinstance(value, Host):
        if value.function.startswith((SIZE, ARGUMENT)):
            yield value.function
        for part in value.parts:
            yield from references(part)


def refers(step: Step) -> list[str]:
    """Return the sizes of inputs, and arguments, that a step reads, in order."""
    return [name for value in step.settings.values() for name in references(value)]


def word_for(size: Size, value: ir.Value | None, axis: int) -> str:
    """Return what a person calls a size: the symbol, or what its axis holds."""
    if isinstance(size, Dim) and size.symbol:
        return size.symbol
    rank = len(value.shape) if value is not None and value.shape is not None else 0
    if axis and len(sides := symbols(size)) == 1 and sides <= SIDES:
        return next(iter(sides))  # of pictures whose channels stand last too
    if rank == 4 and axis > 1:
        return "height" if axis == 2 else "width"
    if axis == 0:
        return "batch"
    names = symbols(size)
    return next(iter(names)) if len(names) == 1 and rank == 3 else "length" if axis == 1 else "size"
