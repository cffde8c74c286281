"""Sizes of dimensions that are known as expressions: exact arithmetic on whole numbers.

A size is an int or a `Dim`, a polynomial whose variables are symbols (`batch`) and quotients
rounded down (`height // 32`). Two sizes are equal if their normal forms are. Every symbol stands
for a size of at least 1, one whose name begins with an underscore for any. Written as text, a
`Dim` is a Python expression, and is read back from it: so sizes travel in the graph as ONNX's
dim_param.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias


@dataclass(frozen=True)
class Quotient:
    """A quotient rounded down: one variable of a polynomial."""

    dividend: "Size"
    divisor: "Size"

    def __str__(self) -> str:
        return str(polynomial({(self,): 1}))


@dataclass(frozen=True)
class Extreme:
    """The largest or smallest of some sizes: one variable of a polynomial."""

    function: str
    sizes: "tuple[Size, ...]"

    def __str__(self) -> str:
        return str(polynomial({(self,): 1}))


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
        from .dim_text import text  # which needs the arithmetic of this module

        return text(self)

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
    terms = dict(terms_of(one))
    for monomial, coefficient in terms_of(other):
        terms[monomial] = terms.get(monomial, 0) + coefficient
    total = polynomial(terms)
    return _joined(total) if isinstance(total, Dim) and len(total.terms) > 1 else total


@lru_cache(maxsize=2**14)
def _joined(size: Dim) -> Size:
    """Return a sum in its shortest form."""
    shorter = _with_rolls_joined(size)
    return _with_halves_joined(shorter) if isinstance(shorter, Dim) else shorter


def _with_halves_joined(size: Dim) -> Size:
    """Return a sum in which a - a // 2 is (a + 1) // 2, and a // 2 + (a + 1) // 2 is a.

    So a size that is halved again and again, rounded up, stays one quotient.
    """
    terms = dict(size.terms)
    for monomial, coefficient in size.terms:
        match monomial:
            case (Quotient(Dim() as dividend, int(divisor)),) if divisor % 2 == 0:
                whole, other, is_down = _complement(dividend, divisor)
            case _:
                continue
        if isinstance(whole, int):
            continue
        one, constant = dict(whole.terms), dict(whole.terms).get((), 0)
        if (other,) in terms:
            if is_down:  # the other one is the whole without this one
                number = terms[(other,)]
                rest = polynomial({**terms, (other,): 0, monomial: coefficient - number})
                return add(rest, multiply(whole, number))
        elif all(terms.get(m) == -coefficient * c for m, c in one.items() if m):
            rest = polynomial(
                {m: 0 if m in one and m else c for m, c in terms.items() if m != monomial}
            )
            total = add(rest, coefficient * constant)
            return add(total, polynomial({(other,): -coefficient}))
        elif not is_down and len(one) == 1 and next(iter(one)) in terms:
            rest = polynomial({**terms, monomial: 0, (other,): -coefficient})
            return add(rest, multiply(whole, coefficient))
    return size


def _complement(dividend: Dim, divisor: int) -> tuple[Size, Quotient, bool]:
    """Return what (w + c) // 2 is a half of, the other half, and whether it is rounded down.

    (x + c m) // (2 m) is (w + c) // 2 with w = x // m, and with w - (w + c) // 2 it is the
    whole: (w + 1 - c) // 2.
    """
    step = divisor // 2
    rounded_up = dict(dividend.terms).get((), 0) // step
    inner = add(dividend, -step * rounded_up)
    assert isinstance(inner, Dim), "a dividend has a variable"
    whole = _divide_by_number(inner, step)
    return whole, Quotient(add(inner, step * (1 - rounded_up)), divisor), not rounded_up


def _with_rolls_joined(size: Dim) -> Size:
    """Return a sum in which max(a - b, 0) + min(a, b), the two parts of a roll, is a."""
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
                    return add(polynomial(terms), multiply(whole, coefficient))
    return size


def multiply(one: Size, other: Size) -> Size:
    """Return a product."""
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    terms: dict[Monomial, int] = {}
    for left, a in terms_of(one):
        for right, b in terms_of(other):
            monomial = tuple(sorted((*left, *right), key=str))
            terms[monomial] = terms.get(monomial, 0) + a * b
    return polynomial(terms)


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
    from .dim_bounds import bounds, is_less  # which need the sums of this module

    if isinstance(other, Dim) and (bounds(other)[0] or 0) > 0:
        if is_less(0, one) and is_less(one, other, or_equal=False):
            return 0
        if is_less(one, 0, or_equal=False) and is_less(multiply(one, -1), other):
            return -1
    return polynomial({(Quotient(one, other),): 1})


def _divide_by_number(one: Dim, divisor: int) -> Size:
    """Return a quotient by a number of at least 1, rounded down: what it divides goes out.

    (4 a + b + 5) // 4 is a + 1 + (b + 1) // 4; the first term of what stays is positive, and a
    quotient of a quotient is one: (a // 4 + 3) // 4 is (a + 12) // 16.
    """
    # of a negative term the part nearer to zero goes out: (7 - h) // 7 is 1 + -h // 7
    parts = {m: c // divisor if not m or c > 0 else -(-c // divisor) for m, c in one.terms}
    outside = polynomial({m: part for m, part in parts.items() if part})
    inside = {m: rest for m, c in one.terms if (rest := c - parts[m] * divisor)}
    if not inside or set(inside) == {()}:
        return outside
    common = math.gcd(divisor, *(c for m, c in inside.items() if m))
    if common > 1:  # (2 a + 1) // 4 is a // 2: what remains of the constant never counts
        inside = {m: c // common for m, c in inside.items() if c // common}
        divisor //= common
    left = polynomial(inside)
    assert isinstance(left, Dim), "a number has gone out"
    if divisor == 1:
        return add(outside, left)
    if left.terms[0][1] < 0:  # rounded down it is what its opposite is, rounded up
        upward = add(multiply(left, -1), divisor - 1)
        assert isinstance(upward, Dim), "a sum with a variable stays one"
        return add(outside, multiply(_divide_by_number(upward, divisor), -1))
    match left.terms[0]:
        case ((Quotient(Dim() as dividend, int(inner)),), 1) if inner > 0 and _is_alone(left):
            nested = add(dividend, inner * dict(left.terms).get((), 0))
            assert isinstance(nested, Dim), "a sum with a variable stays one"
            return add(outside, _divide_by_number(nested, divisor * inner))
        case _:
            return add(outside, _quotient(left, divisor))


def _quotient(dividend: Dim, divisor: int) -> Size:
    """Return a quotient as a variable, or the number that it always is: min(1, n) // 2 is 0."""
    from .dim_bounds import bounds

    low, high = (None if end is None else end // divisor for end in bounds(dividend))
    return (
        low if low is not None and low == high else polynomial({(Quotient(dividend, divisor),): 1})
    )


def _is_alone(size: Dim) -> bool:
    """Tell whether there is one variable, and perhaps a number."""
    return all(not monomial for monomial, _ in size.terms[1:])


def exact_quotient(one: Size, other: Size) -> Size | None:
    """Return a quotient without rest, if the divisor is a product that divides every term."""
    divisors = terms_of(other)
    if len(divisors) != 1:
        return 1 if one == other else None
    (monomial, coefficient), *_ = divisors
    terms: dict[Monomial, int] = {}
    for factors, number in terms_of(one):
        left = list(factors)
        for factor in monomial:
            if factor not in left:
                return None
            left.remove(factor)
        if coefficient == 0 or number % coefficient:
            return None
        terms[tuple(left)] = number // coefficient
    return polynomial(terms)


def as_quotient_of(whole: Quotient, part: Quotient) -> tuple[int, int] | None:
    """Return offset and divisor by which a quotient is one of another: (part + offset) // divisor.

    (h + 12) // 16 is (h // 4 + 3) // 4. None if it is none by numbers.
    """
    if not isinstance(whole.divisor, int) or not isinstance(part.divisor, int):
        return None
    offset = exact_quotient(add(whole.dividend, multiply(part.dividend, -1)), part.divisor)
    if not isinstance(offset, int) or whole.divisor % part.divisor:
        return None
    return offset, whole.divisor // part.divisor


def cancelled(one: Size, other: Size) -> tuple[Size, Size]:
    """Return two products without the factors that both have: 3 b c = 12 b is c = 4."""
    left, right = terms_of(one), terms_of(other)
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
        polynomial({tuple(kept): a // common}),
        polynomial({tuple(rest): b // common}),
    )


def remainder(one: Size, other: Size) -> Size:
    """Return what is left of a division rounded down."""
    if isinstance(one, int) and isinstance(other, int) and other:
        return one % other
    return add(one, multiply(multiply(other, divide(one, other)), -1))


def terms_of(size: Size) -> tuple[tuple[Monomial, int], ...]:
    """Return the terms of a sum; a number is one without a variable."""
    return (((), size),) if isinstance(size, int) else size.terms


def polynomial(terms: Mapping[Monomial, int]) -> Size:
    """Return the sum of some terms, coefficient by monomial."""
    kept = {monomial: coefficient for monomial, coefficient in terms.items() if coefficient}
    if not kept:
        return 0
    if len(kept) == 1:
        return kept[()] if () in kept else Dim(tuple(kept.items()))
    order = sorted(kept.items(), key=lambda term: (-len(term[0]), [str(f) for f in term[0]]))
    return Dim(tuple(order))
