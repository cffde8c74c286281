"""Sizes of dimensions that are known as expressions: exact arithmetic on whole numbers.

A size is an int or a `Dim`, a polynomial whose variables are symbols (`batch`) and quotients
rounded down (`height // 32`). Two sizes are equal if their normal forms are. Every symbol stands
for a size of at least 1, one whose name begins with an underscore for any. Written as text, a
`Dim` is a Python expression, and is read back from it: so sizes travel in the graph as ONNX's
dim_param.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias


@dataclass(frozen=True)
class Quotient:
    """A quotient rounded down: one variable of a polynomial."""

    dividend: "Size"
    divisor: "Size"

    def __str__(self) -> str:
        return f"{bracketed(self.dividend)} // {bracketed(self.divisor)}"


@dataclass(frozen=True)
class Extreme:
    """The largest or smallest of some sizes: one variable of a polynomial."""

    function: str
    sizes: "tuple[Size, ...]"

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.sizes))})"


@dataclass(frozen=True)
class Dim:
    """A polynomial of symbols and quotients with whole coefficients, never a mere number.

    Attributes:
        terms: Coefficient by monomial, sorted; the monomial of the constant is empty.
    """

    terms: "tuple[tuple[Monomial, int], ...]"

    def __add__(self, other: object) -> "Size":
        return add(self, other) if isinstance(other, int | Dim) else NotImplemented

    def __radd__(self, other: int) -> "Size":
        return add(self, other)

    def __sub__(self, other: object) -> "Size":
        return add(self, multiply(other, -1)) if isinstance(other, int | Dim) else NotImplemented

    def __rsub__(self, other: int) -> "Size":
        return add(multiply(self, -1), other)

    def __mul__(self, other: object) -> "Size":
        return multiply(self, other) if isinstance(other, int | Dim) else NotImplemented

    def __rmul__(self, other: int) -> "Size":
        return multiply(self, other)

    def __floordiv__(self, other: object) -> "Size":
        return divide(self, other) if isinstance(other, int | Dim) else NotImplemented

    def __rfloordiv__(self, other: int) -> "Size":
        return divide(other, self)

    def __mod__(self, other: object) -> "Size":
        return remainder(self, other) if isinstance(other, int | Dim) else NotImplemented

    def __neg__(self) -> "Size":
        return multiply(self, -1)

    def __str__(self) -> str:
        return _text(self)

    @property
    def symbol(self) -> str:
        """The symbol that it is, or nothing."""
        if len(self.terms) == 1:
            monomial, coefficient = self.terms[0]
            if coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], str):
                return monomial[0]
        return ""


Size: TypeAlias = int | Dim
Factor: TypeAlias = str | Quotient | Extreme
Monomial: TypeAlias = tuple[Factor, ...]


def symbol(name: str) -> Dim:
    """Return a symbol as a size."""
    return Dim((((name,), 1),))


def complexity(size: Size) -> int:
    """Return of how many variables, counted each time, a size consists."""
    if isinstance(size, int):
        return 0
    return sum(_complexity(factor) for monomial, _ in size.terms for factor in monomial)


@lru_cache(maxsize=2**14)
def _complexity(factor: "Factor") -> int:
    match factor:
        case Quotient():
            return 1 + complexity(factor.dividend) + complexity(factor.divisor)
        case Extreme():
            return 1 + sum(map(complexity, factor.sizes))
        case _:
            return 1


def symbols(size: Size) -> set[str]:
    """Return the symbols in a size."""
    if isinstance(size, int):
        return set()
    found: set[str] = set()
    for monomial, _ in size.terms:
        for factor in monomial:
            match factor:
                case str():
                    found.add(factor)
                case Quotient():
                    found |= symbols(factor.dividend) | symbols(factor.divisor)
                case Extreme():
                    found = found.union(*map(symbols, factor.sizes))
    return found


def add(one: Size, other: Size) -> Size:
    """Return a sum."""
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    terms = dict(_terms(one))
    for monomial, coefficient in _terms(other):
        terms[monomial] = terms.get(monomial, 0) + coefficient
    return _joined(_polynomial(terms))


def _joined(size: Size) -> Size:
    """Return a sum in which max(a - b, 0) + min(a, b), the two parts of a roll, is a."""
    if isinstance(size, int):
        return size
    terms = dict(size.terms)
    extremes = [(m[0], c) for m, c in size.terms if len(m) == 1 and isinstance(m[0], Extreme)]
    for most, coefficient in extremes:
        for least, other in extremes:
            if (most.function, least.function, other) != ("max", "min", coefficient):
                continue
            if len(least.sizes) != 2 or 0 not in most.sizes or len(most.sizes) != 2:
                continue
            over = next(s for s in most.sizes if s != 0)
            one, two = least.sizes
            for whole, part in ((one, two), (two, one)):
                if add(whole, multiply(part, -1)) == over:
                    del terms[(most,)], terms[(least,)]
                    return add(_polynomial(terms), multiply(whole, coefficient))
    return size


def multiply(one: Size, other: Size) -> Size:
    """Return a product."""
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    terms: dict[Monomial, int] = {}
    for left, a in _terms(one):
        for right, b in _terms(other):
            monomial = tuple(sorted((*left, *right), key=str))
            terms[monomial] = terms.get(monomial, 0) + a * b
    return _polynomial(terms)


def product(sizes: Iterable[Size]) -> Size:
    """Return the product of some sizes, 1 for none."""
    result: Size = 1
    for size in sizes:
        result = multiply(result, size)
    return result


def divide(one: Size, other: Size) -> Size:
    """Return a quotient, rounded down; by zero it is left as an expression."""
    if isinstance(one, int) and isinstance(other, int) and other:
        return one // other
    if other == 1:
        return one
    if one == 0:
        return 0
    whole = exact_quotient(one, other)
    if whole is not None:
        return whole
    if isinstance(other, int) and other > 0 and isinstance(one, Dim):
        return _divide_by_number(one, other)
    if isinstance(other, Dim) and (bounds(other)[0] or 0) > 0:
        if is_less(0, one) and is_less(one, other, or_equal=False):
            return 0
        if is_less(one, 0, or_equal=False) and is_less(multiply(one, -1), other):
            return -1
    return Dim((((Quotient(one, other),), 1),))


def _divide_by_number(one: Dim, divisor: int) -> Size:
    """Return a quotient by a number, what it divides taken out: (4 a + b + 5) // 4."""
    # of a negative term the part nearer to zero goes out: (7 - h) // 7 is 1 + -h // 7
    parts = {m: c // divisor if not m or c > 0 else -(-c // divisor) for m, c in one.terms}
    outside = {m: part for m, part in parts.items() if part}
    inside = {m: rest for m, c in one.terms if (rest := c - parts[m] * divisor)}
    if not inside or set(inside) == {()}:
        return _polynomial(outside)
    common = math.gcd(divisor, *(c for m, c in inside.items() if m))
    if common > 1:  # (2 a + 1) // 4 is a // 2: what remains of the constant never counts
        inside = {m: c // common for m, c in inside.items() if c // common}
        divisor //= common
    if divisor == 1:
        return add(_polynomial(outside), _polynomial(inside))
    quotient = Quotient(_polynomial(inside), divisor)
    return add(_polynomial(outside), Dim((((quotient,), 1),)))


def exact_quotient(one: Size, other: Size) -> Size | None:
    """Return a quotient without rest, if the divisor is a product that divides every term."""
    divisors = _terms(other)
    if len(divisors) != 1:
        return 1 if one == other else None
    (monomial, coefficient), *_ = divisors
    terms: dict[Monomial, int] = {}
    for factors, number in _terms(one):
        left = list(factors)
        for factor in monomial:
            if factor not in left:
                return None
            left.remove(factor)
        if coefficient == 0 or number % coefficient:
            return None
        terms[tuple(left)] = number // coefficient
    return _polynomial(terms)


def cancelled(one: Size, other: Size) -> tuple[Size, Size]:
    """Return two products without the factors that both have: 3 b c = 12 b is c = 4."""
    left, right = _terms(one), _terms(other)
    if len(left) != 1 or len(right) != 1 or one == 0 or other == 0:
        return one, other
    (ours, a), (theirs, b) = left[0], right[0]
    rest = list(theirs)
    kept: list[Factor] = []
    for factor in ours:
        if factor in rest:
            rest.remove(factor)
        else:
            kept.append(factor)
    common = math.gcd(a, b)
    return (
        _polynomial({tuple(kept): a // common}),
        _polynomial({tuple(rest): b // common}),
    )


def remainder(one: Size, other: Size) -> Size:
    """Return what is left of a division rounded down."""
    if isinstance(one, int) and isinstance(other, int) and other:
        return one % other
    return add(one, multiply(multiply(other, divide(one, other)), -1))


def extreme(function: str, sizes: Sequence[Size]) -> Size:
    """Return the largest ("max") or smallest ("min") of some sizes."""
    kept: list[Size] = []
    for size in dict.fromkeys(sizes):
        beaten = [(is_less(size, o) if function == "max" else is_less(o, size)) for o in kept]
        if any(beaten):
            continue
        beats = [(is_less(o, size) if function == "max" else is_less(size, o)) for o in kept]
        kept = [o for o, gone in zip(kept, beats, strict=True) if not gone] + [size]
    if len(kept) == 1:
        return kept[0]
    return Dim((((Extreme(function, tuple(sorted(kept, key=str))),), 1),))


def is_less(one: Size, other: Size, *, or_equal: bool = True) -> bool | None:
    """Tell whether a size is always smaller than (or equal to) another; None: it depends."""
    difference = add(other, multiply(one, -1))
    margin = 0 if or_equal else 1
    low, high = bounds(difference)
    if low is not None and low >= margin:
        return True
    if high is not None and high < margin:
        return False
    return None


def is_equal(one: Size, other: Size) -> bool | None:
    """Tell whether two sizes are always equal, or never; None: it depends."""
    if one == other:
        return True
    low, high = bounds(add(one, multiply(other, -1)))
    apart = (low is not None and low > 0) or (high is not None and high < 0)
    return False if apart else None


LEAST: ContextVar[Mapping[str, int]] = ContextVar("LEAST", default=MappingProxyType({}))
"""Smallest values of symbols that are known to be larger than 1, while sizes are inferred."""

Range: TypeAlias = tuple[int | None, int | None]
"""A smallest and a largest value, None where there is none."""


def bounds(size: Size) -> Range:
    """Return a smallest and a largest value of a size, None where there is none."""
    return (size, size) if isinstance(size, int) else _bounds(size, frozenset(LEAST.get().items()))


@lru_cache(maxsize=2**14)
def _bounds(size: Dim, _least: frozenset[tuple[str, int]]) -> Range:
    """Return the bounds of a size, `_least` being what LEAST holds."""
    low, high = _plain_bounds(size)
    if low is not None and high is not None:
        return low, high
    for every in (False, True):
        scale = 1 if every else _common_divisor(size)
        scaled = multiply(size, scale)
        if low is None:
            low, _ = _plain_bounds(_without_quotients(scaled, lower=True, every=every))
            low = None if low is None else -(-low // scale)
        if high is None:
            _, high = _plain_bounds(_without_quotients(scaled, lower=False, every=every))
            high = None if high is None else high // scale
    return low, high


def _common_divisor(size: Dim) -> int:
    """Return what all quotients in a sum are divided by."""
    factors = [monomial[0] for monomial, _ in size.terms if len(monomial) == 1]
    divisors = [factor.divisor for factor in factors if isinstance(factor, Quotient)]
    return math.lcm(*(number for number in divisors if isinstance(number, int) and number > 0))


def _plain_bounds(size: Size) -> Range:
    """Return the bounds of a sum, from those of each term by itself."""
    low: int | None = 0
    high: int | None = 0
    for monomial, coefficient in _terms(size):
        least, most = _product_range([_factor_range(factor) for factor in monomial])
        if coefficient < 0:
            least, most = most, least
        low = None if low is None or least is None else low + coefficient * least
        high = None if high is None or most is None else high + coefficient * most
    return low, high


def _product_range(ranges: Sequence[Range]) -> Range:
    if len(ranges) == 1:
        return ranges[0]
    lows = [low for low, _ in ranges if low is not None and low >= 0]
    highs = [high for _, high in ranges if high is not None]
    if len(lows) < len(ranges):
        return None, None
    return math.prod(lows), math.prod(highs) if len(highs) == len(ranges) else None


def _factor_range(factor: Factor) -> Range:
    match factor:
        case str():
            return LEAST.get().get(factor, 0 if factor.startswith("_") else 1), None
        case Quotient(dividend, int(divisor)) if divisor > 0:
            low, high = bounds(dividend)
            return (
                None if low is None else low // divisor,
                None if high is None else high // divisor,
            )
        case Quotient(dividend, divisor):
            positive = (bounds(dividend)[0] or -1) >= 0 and (bounds(divisor)[0] or 0) > 0
            return 0 if positive else None, None
        case Extreme(function, sizes):
            ends = [bounds(size) for size in sizes]
            known = [[end for end in side if end is not None] for side in zip(*ends, strict=True)]
            choose, any_end = (max, 0) if function == "max" else (min, 1)
            found = [
                choose(side) if side and (i == any_end or len(side) == len(sizes)) else None
                for i, side in enumerate(known)
            ]
            return found[0], found[1]


def _without_quotients(size: Size, *, lower: bool, every: bool) -> Size:
    """Return a size that is never larger (`lower`), or never smaller.

    Since a - 6 <= 7 * (a // 7) <= a. Only quotients whose coefficient is a multiple of the divisor
    are taken out, and without `every` only those that have no bound on that side.
    """
    total: Size = 0
    for monomial, coefficient in _terms(size):
        match monomial:
            case (Quotient(dividend, int(divisor)),) if divisor > 0 and coefficient % divisor == 0:
                least = (coefficient > 0) is lower
                if least and not every:
                    total = add(total, _polynomial({monomial: coefficient}))
                    continue
                inner = add(dividend, 1 - divisor) if least else dividend
                total = add(total, multiply(inner, coefficient // divisor))
            case _:
                total = add(total, _polynomial({monomial: coefficient}))
    return total


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    return (((), size),) if isinstance(size, int) else size.terms


def _polynomial(terms: Mapping[Monomial, int]) -> Size:
    kept = {monomial: coefficient for monomial, coefficient in terms.items() if coefficient}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    order = sorted(kept.items(), key=lambda term: (-len(term[0]), [str(f) for f in term[0]]))
    return Dim(tuple(order))


@lru_cache(maxsize=2**14)
def _text(size: Dim) -> str:
    text = ""
    for monomial, coefficient in sorted(size.terms, key=lambda term: term[1] < 0):
        factors = [f"({f})" if isinstance(f, Quotient) else str(f) for f in monomial]
        leads = not text and coefficient < 0  # -(a // 2) is not -a // 2
        if len(monomial) == 1 and abs(coefficient) == 1 and not leads:
            factors = [str(monomial[0])]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, str(abs(coefficient)))
        sign = " - " if coefficient < 0 else " + "
        text += (sign if text else sign.strip(" +")) + " * ".join(factors)
    return text


def bracketed(size: Size) -> str:
    """Return a size as text that binds tighter than a product."""
    text = str(size)
    return text if re.fullmatch(r"\w+|(max|min)\([^()]*\)", text) else f"({text})"
