"""Sizes as a person writes them, as Python expressions: batch * length, -height % 7."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from .dims import (
    Dim,
    Extreme,
    Monomial,
    Quotient,
    Size,
    add,
    as_quotient_of,
    multiply,
    polynomial,
    remainder,
    terms_of,
)

TIGHT = re.compile(r"[\w.]+|(max|min)\([^()]*\)")
"""Text that needs no brackets within a product."""

SIGNED = re.compile(rf"-({TIGHT.pattern}|\([^()]*\))")
"""Text that needs none where a product begins."""


@lru_cache(maxsize=2**14)
def text(size: Dim) -> str:
    """Return a size as a Python expression."""
    if size.symbol:
        return size.symbol
    function, parts = formula(size)
    return write(function, [str(part) for part in parts])


def formula(size: Dim) -> tuple[str, tuple[Size, ...]]:
    """Return the outermost operation of a size that is no symbol, and its operands.

    Returns:
        "+", "*", "//", "%", "max" or "min", and the sizes that it joins.
    """
    (monomial, coefficient), *others = size.terms
    if others:
        return _sum(size)
    factors = [polynomial({(factor,): 1}) for factor in monomial]
    match monomial:
        case (Quotient(dividend, divisor),) if coefficient == 1:
            return "//", (dividend, divisor)
        case (Extreme(function, sizes),) if coefficient == 1:
            return function, sizes
        case _:
            return "*", tuple(factors if coefficient == 1 else [coefficient, *factors])


def _sum(size: Dim) -> tuple[str, tuple[Size, ...]]:
    """Return a sum: its remainders, then what is added, then what is taken away."""
    parts: list[Size] = []
    rest: Size = size
    for monomial, coefficient in size.terms:
        found = _remainder_in(rest, monomial, coefficient)
        if found is None:
            continue
        factor, dividend, divisor = found
        part = remainder(dividend, divisor)
        rest = add(rest, multiply(part, -factor))
        parts.append(multiply(part, factor))
        if rest == 0 and len(parts) == 1:
            return ("%", (dividend, divisor)) if factor == 1 else ("*", (factor, part))
    terms = rest.terms if isinstance(rest, Dim) else ((((), rest),) if rest else ())
    added = [polynomial(dict([term])) for term in terms if term[1] > 0]
    taken = [polynomial(dict([term])) for term in terms if term[1] < 0]
    return "+", (*added, *parts, *taken)


def _remainder_in(size: Size, monomial: Monomial, coefficient: int) -> tuple[int, Size, int] | None:
    """Return factor, dividend and divisor of the remainder that a quotient in a sum belongs to.

    b - 4 (b // 4) is b % 4, and 7 ((h + 6) // 7) - h, which is added up to a multiple, -h % 7.
    """
    if isinstance(size, int):
        return None
    left = dict(size.terms)
    for dividend, divisor in _readings(size, monomial):
        if coefficient % divisor:
            continue
        factor = abs(coefficient) // divisor
        over = dividend if coefficient < 0 else add(multiply(dividend, -1), divisor - 1)
        part = remainder(over, divisor)
        if all(left.get(m) == factor * c for m, c in terms_of(part) if m):
            return factor, over, divisor
    return None


def _readings(size: Dim, monomial: Monomial) -> Iterator[tuple[Size, int]]:
    """Yield dividend and divisor of a quotient, also as one of another quotient in a sum.

    Beside h // 4 the quotient (h + 12) // 16 is (h // 4 + 3) // 4.
    """
    match monomial:
        case (Quotient(Dim() as dividend, int(divisor)),):
            yield dividend, divisor
        case _:
            return
    for other, _ in size.terms:
        match other:
            case (Quotient(_, int(step)) as part,) if step < divisor:
                found = as_quotient_of(Quotient(dividend, divisor), part)
                if found is not None:
                    yield add(polynomial({other: 1}), found[0]), found[1]
            case _:
                pass


def write(function: str, texts: Sequence[str]) -> str:
    """Return an operation of sizes as Python text; its operands are told as text."""
    if function in ("max", "min"):
        return f"{function}({', '.join(texts)})"
    if function == "+":
        signed = [t if t.startswith("-") and "%" not in t else f"+{t}" for t in texts]
        rest = "".join(f" {text[0]} {text[1:]}" for text in signed[1:])
        return f"{texts[0]}{rest}"
    tight = [t if TIGHT.fullmatch(t) else f"({t})" for t in texts]
    if function == "*" and texts[0] == "-1":
        return f"-{' * '.join(tight[1:])}"
    if function in ("*", "%") and SIGNED.fullmatch(texts[0]):
        tight[0] = texts[0]
    return f" {function} ".join(tight)
