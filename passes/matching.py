"""Patterns found in a graph, and what they match replaced by one operator."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import cast

import onnx
import onnx.defs
import onnx_ir as ir

from ..compiler.ir import graph as ask
from ..compiler.ir.dialect import OPSET
from ..compiler.ir.provenance import inherit
from .pattern import Apply, Either, Number, Pattern, Symbol
from .rewrite import AttributeValue, Input, take_over

COMMUTATIVE = frozenset(("Add", "Mul", "And", "Or", "Equal"))
"""Operators whose two operands may change places."""

PRECISION = {ir.DataType.FLOAT16: 1e-3, ir.DataType.BFLOAT16: 8e-3}
"""Rounding of constants, relative, where it is coarser than that of float32."""


@dataclass(frozen=True)
class Match:
    """A part of a graph that is a pattern.

    Attributes:
        result: The value that the pattern stands for.
        values: Values by the names of symbols.
        numbers: Elements of constants by the names of scalars.
        nodes: The nodes of the part, each once; the one that makes the result is the last.
        made_by: By pattern of an operator, the node that was found for it.
    """

    result: ir.Value
    values: dict[str, ir.Value] = field(default_factory=dict[str, ir.Value])
    numbers: dict[str, float] = field(default_factory=dict[str, float])
    nodes: tuple[ir.Node, ...] = ()
    made_by: dict[Pattern, ir.Node] = field(default_factory=dict[Pattern, ir.Node])

    def __getitem__(self, name: str) -> ir.Value:
        """Return the value that a symbol stands for."""
        return self.values[name]

    @property
    def root(self) -> ir.Node:
        """The node that makes the result."""
        return self.nodes[-1]

    def with_value(self, name: str, value: ir.Value) -> "Match":
        """Return the match with a symbol known."""
        return Match(
            self.result, {**self.values, name: value}, self.numbers, self.nodes, self.made_by
        )

    def with_number(self, name: str, number: float) -> "Match":
        """Return the match with the element of a constant known."""
        numbers = {**self.numbers, name: number} if name else self.numbers
        return Match(self.result, self.values, numbers, self.nodes, self.made_by)

    def with_node(self, pattern: Pattern, node: ir.Node) -> "Match":
        """Return the match with a node more, behind those that it reads."""
        nodes = self.nodes if node in self.nodes else (*self.nodes, node)
        made_by = {**self.made_by, pattern: node}
        return Match(self.result, self.values, self.numbers, nodes, made_by)

    def is_closed(self) -> bool:
        """Tell whether nobody else reads what is inside, so that it may go."""
        return all(
            value is self.result
            or not (value.is_graph_output() or set(value.consumers()) - set(self.nodes))
            for node in self.nodes
            for value in node.outputs
        )


def find(graph: ir.Graph, *patterns: Pattern) -> Iterator[Match]:
    """Yield what matches, first all that match the first pattern; put larger patterns first.

    A match whose inside has another reader, or leaves the graph, is none. What is replaced while
    the search goes on is not found again.

    Args:
        graph: A graph; its subgraphs are not searched.
        patterns: Patterns that begin with an operator.
    """
    by_type: dict[tuple[str, str], list[ir.Node]] = {}
    for node in graph:
        by_type.setdefault((node.domain, node.op_type), []).append(node)
    for pattern in patterns:
        for whole in _spellings(pattern):
            for node in by_type.get((whole.domain, whole.op_type), ()):
                if node.graph is not graph or len(node.outputs) <= whole.output:
                    continue
                result = node.outputs[whole.output]
                for match in _apply(whole, result, Match(result)):
                    if match.is_closed():
                        yield match
                    if node.graph is not graph:
                        break


def replace(
    match: Match,
    op_type: str,
    inputs: Sequence[Input],
    *,
    domain: str = "",
    **attributes: AttributeValue,
) -> ir.Node:
    """Put one operator in the place of all nodes of a match, with their provenance.

    Args:
        match: A match that `find` gave.
        op_type: The operator; it has one output.
        inputs: Its inputs, each known before the match's result; None for an absent one.
        domain: The operator's domain.
        attributes: Its attributes.
    """
    root, result = match.root, ir.Value()
    graph = root.graph
    assert graph is not None, "find yields what is in a graph"
    new = ir.node(op_type, inputs, attributes, domain=domain, outputs=[result])
    inherit([new], match.nodes)
    graph.insert_before(root, new)
    take_over(match.result, result)
    graph.remove(match.nodes, safe=True)
    new.name = root.name
    return new


def same_shape(match: Match, name: str) -> bool:
    """Tell whether the result is known to have the shape of a symbol's value, open sizes too."""
    before, after = match[name].shape, match.result.shape
    return before is not None and after is not None and list(before) == list(after)


def _spellings(pattern: Pattern) -> Iterator[Apply]:
    if isinstance(pattern, Either):
        for one in pattern.patterns:
            yield from _spellings(one)
    elif isinstance(pattern, Apply):
        yield pattern
    else:
        raise TypeError(f"a pattern must begin with an operator: {pattern}")


def _match(pattern: Pattern | None, value: Input, match: Match) -> Iterator[Match]:
    """Yield the ways in which a value is what a pattern says, given what is known so far."""
    if pattern is None or value is None:
        if pattern is None and value is None:
            yield match
    elif isinstance(pattern, Symbol):
        known = match.values.get(pattern.name)
        if known is None and (pattern.condition is None or pattern.condition(value)):
            yield match.with_value(pattern.name, value)
        elif known is value:
            yield match
    elif isinstance(pattern, Number):
        element = ask.scalar(value)
        if element is not None and _is_near(float(element), pattern, value, match):
            yield match.with_number(pattern.name, float(element))
    elif isinstance(pattern, Either):
        for one in pattern.patterns:
            yield from _match(one, value, match)
    elif isinstance(pattern, Apply):
        yield from _apply(pattern, value, match)


def _is_near(element: float, pattern: Number, value: ir.Value, match: Match) -> bool:
    wanted = match.numbers.get(pattern.name) if pattern.value is None else pattern.value
    if wanted is None or element == wanted:
        return True
    coarse = PRECISION.get(value.dtype, 0.0) if value.dtype is not None else 0.0
    return abs(element - wanted) <= max(pattern.within, coarse) * abs(wanted)


def _apply(pattern: Apply, value: ir.Value, match: Match) -> Iterator[Match]:
    """Yield the ways in which a value is made by the operator of a pattern."""
    node = value.producer()
    if (
        node is None
        or node.op_type != pattern.op_type
        or node.domain != pattern.domain
        or node.graph is not match.result.graph
        or value.index() != pattern.output
        or not _has_attributes(node, pattern)
    ):
        return
    inputs = [ask.operand(node, i) for i in range(max(len(pattern.operands), len(node.inputs)))]
    wanted = [*pattern.operands, *[None] * (len(inputs) - len(pattern.operands))]
    orders = [wanted]
    if pattern.op_type in COMMUTATIVE and not pattern.domain and wanted[0] is not wanted[1]:
        orders.append(wanted[::-1])
    for order in orders:
        if _spread(node, order):
            for found in _match_all(order, inputs, match):
                yield found.with_node(pattern, node)


def _match_all(
    patterns: Sequence[Pattern | None], values: Sequence[Input], match: Match
) -> Iterator[Match]:
    if not patterns:
        yield match
        return
    for found in _match(patterns[0], values[0], match):
        yield from _match_all(patterns[1:], values[1:], found)


def _spread(node: ir.Node, patterns: Sequence[Pattern | None]) -> bool:
    """Tell whether the constants in a formula leave the other operand's rank as it is."""
    ranks = [ask.rank_of(value) for value in node.inputs]
    numbers = [i for i, pattern in enumerate(patterns) if isinstance(pattern, Number)]
    if not any(ranks[i] for i in numbers if i < len(ranks)):
        return True
    others = [rank for i, rank in enumerate(ranks) if i not in numbers]
    return all(
        rank is not None and any(other is not None and rank <= other for other in others)
        for rank in (ranks[i] for i in numbers if i < len(ranks))
    )


def _has_attributes(node: ir.Node, pattern: Apply) -> bool:
    for name, wanted in pattern.attributes.items():
        held = ask.attribute(node, name, _default(node.domain, node.op_type, name))
        if isinstance(wanted, float) and isinstance(held, float):
            if abs(held - wanted) > 1e-5 * abs(wanted):
                return False
        elif held != wanted:
            return False
    return True


@cache
def _default(domain: str, op_type: str, name: str) -> AttributeValue | None:
    """Return the default of an attribute in the dialect."""
    if domain:
        return None
    attribute = onnx.defs.get_schema(op_type, OPSET).attributes.get(name)
    if attribute is None or not attribute.default_value.name:
        return None
    value = onnx.helper.get_attribute_value(attribute.default_value)
    return value.decode() if isinstance(value, bytes) else cast("AttributeValue", value)
