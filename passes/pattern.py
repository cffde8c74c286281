"""Patterns: formulas over values of a graph, written as Python expressions.

    x = symbol("x")
    x * (op("Erf", x / math.sqrt(2)) + 1) * 0.5

Numbers stand for constants of one element. Operands of Add and Mul are found in either order.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType
from typing import TypeAlias

import onnx_ir as ir

AttributeValue: TypeAlias = int | float | str
Condition: TypeAlias = Callable[[ir.Value], bool]

NOTHING: Mapping[str, AttributeValue] = MappingProxyType({})


class Pattern:
    """What a value of a graph may be."""

    def __add__(self, other: "Operand") -> "Pattern":
        return op("Add", self, other)

    def __radd__(self, other: "Operand") -> "Pattern":
        return op("Add", other, self)

    def __sub__(self, other: "Operand") -> "Pattern":
        return op("Sub", self, other)

    def __rsub__(self, other: "Operand") -> "Pattern":
        return op("Sub", other, self)

    def __mul__(self, other: "Operand") -> "Pattern":
        return op("Mul", self, other)

    def __rmul__(self, other: "Operand") -> "Pattern":
        return op("Mul", other, self)

    def __truediv__(self, other: "Operand") -> "Pattern":
        return op("Div", self, other)

    def __rtruediv__(self, other: "Operand") -> "Pattern":
        return op("Div", other, self)

    def __pow__(self, other: "Operand") -> "Pattern":
        return op("Pow", self, other)

    def __matmul__(self, other: "Pattern") -> "Pattern":
        return op("MatMul", self, other)

    def __neg__(self) -> "Pattern":
        return op("Neg", self)

    def __or__(self, other: "Pattern") -> "Pattern":
        return Either((self, other))


Operand: TypeAlias = Pattern | float
"""What stands in a formula: a pattern, or a constant of one element."""


@dataclass(frozen=True, eq=False)
class Symbol(Pattern):
    """Any value; where the name occurs again, the same one.

    Attributes:
        name: Under which a match holds the value.
        condition: What is asked of it.
    """

    name: str
    condition: Condition | None = None


@dataclass(frozen=True, eq=False)
class Number(Pattern):
    """A constant of one element.

    Attributes:
        value: The element; None for any, which a match holds under `name`.
        name: Empty where nobody asks for it.
        within: Largest relative error.
    """

    value: float | None
    name: str = ""
    within: float = 1e-6


@dataclass(frozen=True, eq=False)
class Apply(Pattern):
    """What an operator makes.

    Attributes:
        op_type: The operator.
        operands: Its inputs; None for one that must be absent, as must all behind the last.
        attributes: Attributes that matter; where a node has none, the operator's default counts.
        output: Which of its outputs.
        domain: Its domain; empty for ai.onnx.
    """

    op_type: str
    operands: tuple[Pattern | None, ...]
    attributes: Mapping[str, AttributeValue] = field(default_factory=lambda: NOTHING)
    output: int = 0
    domain: str = ""


@dataclass(frozen=True, eq=False)
class Either(Pattern):
    """One of several spellings; the first that is found counts."""

    patterns: tuple[Pattern, ...]


def symbol(name: str, condition: Condition | None = None) -> Symbol:
    """Return a pattern of any value for which the condition holds."""
    return Symbol(name, condition)


def scalar(name: str) -> Number:
    """Return a pattern of any constant of one element."""
    return Number(None, name)


def number(value: float, *, within: float = 1e-6) -> Number:
    """Return a pattern of a constant of one element, up to a relative error."""
    return Number(value, within=within)


def op(
    op_type: str,
    *operands: Operand | None,
    output: int = 0,
    domain: str = "",
    **attributes: AttributeValue,
) -> Apply:
    """Return a pattern of what an operator makes."""
    given = tuple(Number(item) if isinstance(item, int | float) else item for item in operands)
    return Apply(op_type, given, attributes, output, domain)


def product(*factors: Operand) -> Pattern:
    """Return a product of factors, bracketed in any way and in any order."""
    found = [*_products([as_pattern(factor) for factor in factors])]
    return found[0] if len(found) == 1 else Either(tuple(found))


def halved(pattern: Pattern) -> Pattern:
    """Return half of something."""
    return pattern * 0.5 | pattern / 2.0


def as_pattern(operand: Operand) -> Pattern:
    """Return a pattern as it is, and a number as one."""
    return operand if isinstance(operand, Pattern) else Number(operand)


def _products(factors: list[Pattern]) -> Iterator[Pattern]:
    """Yield every way to multiply factors two at a time; the first stands on the left."""
    if len(factors) == 1:
        yield factors[0]
        return
    first, others = factors[0], factors[1:]
    seen: set[frozenset[int] | tuple[int, ...]] = set()
    for size in range(len(others)):
        for chosen in combinations(range(len(others)), size):
            left = [first, *(others[i] for i in chosen)]
            right = [other for i, other in enumerate(others) if i not in chosen]
            kind = tuple(sorted(map(id, left)))  # equal factors make equal products
            if kind in seen:
                continue
            seen.add(kind)
            for one in _products(left):
                for two in _products(right):
                    yield op("Mul", one, two)
