"""Of every value of a graph its shape, and of small ones all elements, as expressions."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import onnx_ir as ir

from ..dim_bounds import LEAST, is_equal
from ..dim_values import evaluate, parse, substitute
from ..dims import Dim, Size, complexity, symbol, symbols
from ..graph import attribute, blaming, is_constant, operator, small_constant
from .contents import MOST, Content, Element, compute, content_of, sizes, vector

Dims: TypeAlias = tuple[Size, ...]
Partial: TypeAlias = tuple[Size | None, ...]
Rule: TypeAlias = "Callable[[Site], Sequence[Partial | None]]"

RULES: dict[str, Rule] = {}
"""By operator (`Conv`, `onnx2ms.Glu`): the shapes of its outputs, None for unknown sizes."""

UNKNOWN = "_"
"""What the names of sizes that depend on data begin with: _1, _2 …"""


def shapes(*op_types: str) -> Callable[[Rule], Rule]:
    """Register how the shapes of operators' outputs follow from their inputs."""

    def register(rule: Rule) -> Rule:
        for op_type in op_types:
            if op_type in RULES:
                raise ValueError(f"{op_type} has two rules")
            RULES[op_type] = rule
        return rule

    return register


DEEPEST = 32
"""Variables of a size that is told as an expression; nobody would read more."""

FARTHEST = 256
"""Most values that wait for what they are computed from, outside of a body."""

LARGEST = 256
"""Up to where the smallest value of a symbol is looked for."""


@dataclass(frozen=True)
class Demand:
    """Two sizes that a node demands to be equal.

    Attributes:
        one: A size, never a number.
        other: Another one.
        node: The node that demands it.
    """

    one: Dim
    other: Size
    node: ir.Node


class Sizes:
    """The sizes in one graph.

    Attributes:
        demands: What nodes demand of sizes that are not known to be equal, the earliest first.
        same: Sizes to shorter ones that they are, once it is checked what the network demands.
    """

    def __init__(self, graph: ir.Graph) -> None:
        """Find the shape and content of every value.

        Args:
            graph: Its nodes in topological order, types and ranks inferred.
        """
        self.demands: list[Demand] = []
        self.same: dict[Size, Size] = {}
        self._shapes: dict[ir.Value, Dims | None] = {}
        self._contents: dict[ir.Value, Content | None] = {}
        self._unknown = 0
        self._taken = set(_unknowns_in(graph))
        self._told: set[str] = set()
        self._least: dict[str, int] = {}
        with self.assumed():
            for value in (*graph.inputs, *around(graph)):
                shape = self._shapes[value] = self._complete(stored(value))
                self._told.update(*(symbols(size) for size in shape or ()))
            for node in graph:
                with blaming(node):
                    self._visit(node)

    @contextmanager
    def assumed(self) -> Generator[None]:
        """Let sizes be compared by what is known of the symbols: of h // 4 rows h is at least 4."""
        token = LEAST.set(self._least)
        try:
            yield
        finally:
            LEAST.reset(token)

    def shape(self, value: ir.Value | None) -> Dims | None:
        """Return the shape of a value; None where not even the rank is known."""
        if value is None:
            return None
        if value not in self._shapes:
            self._shapes[value] = self._complete(stored(value))
        return self._shapes[value]

    def content(self, value: ir.Value | None) -> Content | None:
        """Return all elements of a value, None for each that is not known; None if it is large."""
        if value is None:
            return None
        if value not in self._contents:
            self._look_around(value)
        return self._contents[value]

    def tells(self, size: Size) -> bool:
        """Tell whether the inputs' shapes tell a size; others depend on data."""
        return symbols(size) <= self._told

    def integers(self, value: ir.Value | None) -> Dims | None:
        """Return the elements of a value as sizes, if all of them are known."""
        found = sizes(self.content(value))
        if found is None or any(size is None for size in found):
            return None
        return tuple(size for size in found if size is not None)

    def equal(self, one: Size, other: Size, node: ir.Node) -> Size:
        """Return what two sizes are that a node demands to be equal; note the demand."""
        if one == other:
            return one
        if isinstance(one, int) and isinstance(other, int):
            return one
        if isinstance(one, int):
            one, other = other, one
        assert isinstance(one, Dim), "two numbers were dealt with"
        if isinstance(other, Dim) and (other.symbol and not one.symbol):
            one, other = other, one
        if is_equal(one, other) is not False:
            self.demands.append(Demand(one, other, node))
        return other if isinstance(other, int) or not one.symbol else one

    def _visit(self, node: ir.Node) -> None:
        known = [stored(value) for value in node.outputs]
        found: Sequence[Partial | None] = [None] * len(node.outputs)
        rule = RULES.get(operator(node))
        if rule is not None:
            found = [*rule(Site(node, self)), *found][: len(node.outputs)]
        for value, here, there in zip(node.outputs, known, found, strict=True):
            self._shapes[value] = self._complete(merged(here, there))
        if len(node.outputs) == 1 and not node.domain:
            self._contents[node.outputs[0]] = self._compute(node)
        elif node.op_type == "Split" and not node.domain:
            self._split(node)

    def _compute(self, node: ir.Node) -> Content | None:
        shape = self.shape(node.inputs[0]) if node.inputs else None
        if node.op_type == "Shape":
            if shape is None:
                return None
            return vector(shape[slice(attribute(node, "start", 0), attribute(node, "end", None))])
        if node.op_type == "Size":
            return None if shape is None else np.array([_product(shape)], object).reshape(())
        if node.op_type == "Range":
            return None  # known only as far as its bounds are
        content = compute(node, [self.content(value) for value in node.inputs])
        if content is None:
            return None
        elements: list[Element] = content.reshape(-1).tolist()
        simple = [None if isinstance(e, Dim) and complexity(e) > DEEPEST else e for e in elements]
        return vector(simple).reshape(content.shape)

    def _look_around(self, value: ir.Value) -> None:
        """Find the content of a constant, or of what a graph around computes from sizes."""
        waiting = [value]
        while waiting:
            last = waiting[-1]
            node = None if is_constant(last) else last.producer()
            array = small_constant(last, MOST)
            content = None if array is None else content_of(array)
            if node is not None and _is_integer(node) and len(waiting) <= FARTHEST:
                missing = [v for v in node.inputs if v is not None and v not in self._contents]
                if missing and node.op_type not in ("Shape", "Size"):
                    waiting += missing
                    continue
                content = self._compute(node)
            self._contents[last] = content
            waiting.pop()

    def at_least_one(self, size: Size) -> None:
        """Note that a size is never 0, so that a symbol has a smallest value: of h // 4 it is 4."""
        names = symbols(size)
        if isinstance(size, int) or len(names) != 1 or complexity(size) > DEEPEST:
            return
        (name,) = names
        values = range(self._least.get(name, 1), LARGEST)
        fitting = (n for n in values if evaluate(size, {name: n}) >= 1)
        if (least := next(fitting, None)) is not None and least > 1:
            self._least[name] = least

    def _split(self, node: ir.Node) -> None:
        """Find the contents of the parts of a vector."""
        whole = self.content(node.inputs[0])
        start = 0
        for value in node.outputs:
            shape = self.shape(value)
            if whole is None or whole.ndim != 1 or shape is None or not isinstance(shape[0], int):
                return
            self._contents[value] = whole[start : start + shape[0]]
            start += shape[0]

    def _complete(self, shape: Partial | None) -> Dims | None:
        """Return a shape with new symbols for the sizes that are not known."""
        if shape is None:
            return None
        return tuple(
            self.unknown() if size is None or complexity(size) > DEEPEST else size for size in shape
        )

    def unknown(self) -> Size:
        """Return a symbol that nothing else bears for a size that depends on data."""
        while True:
            self._unknown += 1
            name = f"{UNKNOWN}{self._unknown}"
            if name not in self._taken:
                return symbol(name)


@dataclass(frozen=True)
class Site:
    """A node as a rule reads it.

    Attributes:
        node: The node.
        sizes: What is known so far.
    """

    node: ir.Node
    sizes: Sizes

    def shape(self, index: int) -> Dims | None:
        """Return the shape of an input, or None."""
        return self.sizes.shape(self._input(index))

    def integers(self, index: int) -> Dims | None:
        """Return the elements of an input as sizes, or None."""
        return self.sizes.integers(self._input(index))

    def numbers(self, index: int) -> tuple[int, ...] | None:
        """Return the elements of an input, if all of them are mere numbers."""
        found = self.integers(index)
        if found is None or not all(isinstance(size, int) for size in found):
            return None
        return tuple(size for size in found if isinstance(size, int))

    def has(self, index: int) -> bool:
        """Tell whether an optional input is there."""
        return self._input(index) is not None

    def content(self, index: int) -> Content | None:
        """Return all elements of an input, or None."""
        return self.sizes.content(self._input(index))

    def equal(self, one: Size, other: Size) -> Size:
        """Return what two sizes are that must be equal here."""
        return self.sizes.equal(one, other, self.node)

    def _input(self, index: int) -> ir.Value | None:
        return self.node.inputs[index] if index < len(self.node.inputs) else None


def around(graph: ir.Graph) -> list[ir.Value]:
    """Return what the nodes of a subgraph read of the graphs around it, constants apart."""
    read = (value for node in graph for value in node.inputs if value is not None)
    return [v for v in dict.fromkeys(read) if v.graph is not graph and not is_constant(v)]


def _is_integer(node: ir.Node) -> bool:
    """Tell whether a node of ONNX's own makes whole numbers, and nothing else."""
    dtype = node.outputs[0].dtype
    return not node.domain and len(node.outputs) == 1 and dtype is not None and dtype.is_integer()


def _unknowns_in(graph: ir.Graph) -> Iterator[str]:
    """Yield the names in a graph that a size might be given that depends on data."""
    outputs = (value for node in graph for value in node.outputs)
    for value in (*graph.inputs, *around(graph), *outputs):
        for size in stored(value) or ():
            if isinstance(size, Dim):
                yield from (name for name in symbols(size) if name.startswith(UNKNOWN))


def stored(value: ir.Value | None) -> Partial | None:
    """Return the shape that a graph holds; None for what it does not tell."""
    if value is None or value.shape is None:
        return None
    return tuple(
        int(dim) if isinstance(dim, int) else (parse(dim.value) if dim.value else None)
        for dim in value.shape
    )


def known_shape(value: ir.Value | None) -> Dims | None:
    """Return the shape that a graph holds, if it tells every size as a number or expression."""
    shape = stored(value)
    if shape is None or any(size is None for size in shape):
        return None
    return tuple(size for size in shape if size is not None)


def written(shape: Partial) -> ir.Shape:
    """Return a shape as a graph holds it."""
    return ir.Shape(
        [size if isinstance(size, int) or size is None else str(size) for size in shape]
    )


def merged(here: Partial | None, there: Partial | None) -> Partial | None:
    """Return what is known of a shape from graph and rule: numbers go before expressions."""
    if here is None or there is None or len(here) != len(there):
        return there if here is None else here
    return tuple(
        a if isinstance(a, int) or b is None else b for a, b in zip(here, there, strict=True)
    )


def resolve(demands: Sequence[Demand]) -> tuple[dict[str, Size], list[Demand]]:
    """Return what symbols must be, for all demands to be met, and the demands that stay.

    A symbol is another one, or a number; what is left are equations such as
    `height == 7 * (height // 7)`.
    """
    values: dict[str, Size] = {}
    left: list[Demand] = []
    for demand in demands:
        one, other = (substitute(size, values) for size in (demand.one, demand.other))
        if one == other:
            continue
        if isinstance(one, int):
            one, other = other, one
        if isinstance(one, Dim) and isinstance(other, Dim) and _goes_before(other, one):
            one, other = other, one
        name = one.symbol if isinstance(one, Dim) else ""
        if name and (isinstance(other, int) or other.symbol):
            values = {key: substitute(size, {name: other}) for key, size in values.items()}
            values[name] = other
        elif isinstance(one, Dim):
            left.append(Demand(one, other, demand.node))
    return values, _unmet(left, values)


def _goes_before(one: Dim, other: Dim) -> bool:
    """Tell whether of two sizes that are the same the one shall be written as the other.

    That is a symbol, and first one of a size that nothing tells.
    """
    if not one.symbol or not other.symbol:
        return bool(one.symbol)
    return one.symbol.startswith(UNKNOWN) and not other.symbol.startswith(UNKNOWN)


def _unmet(demands: Sequence[Demand], values: Mapping[str, Size]) -> list[Demand]:
    unmet: dict[tuple[Size, Size], Demand] = {}
    for demand in demands:
        one, other = (substitute(size, values) for size in (demand.one, demand.other))
        if one != other and isinstance(one, Dim):
            unmet.setdefault((one, other), Demand(one, other, demand.node))
        elif one != other and isinstance(other, Dim):
            unmet.setdefault((other, one), Demand(other, one, demand.node))
    return list(unmet.values())


def _product(shape: Dims) -> Size:
    total: Size = 1
    for size in shape:
        total = total * size
    return total
