"""What is known of sizes without their values: the least, the largest, which is smaller."""

import math
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from .dims import Dim, Extreme, Factor, Quotient, Size, add, multiply, polynomial, terms_of


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
    common = _common_divisor(size)
    for every, scale in ((False, common), (True, 1), (True, common)):
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
    for monomial, coefficient in terms_of(size):
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
    for monomial, coefficient in terms_of(size):
        match monomial:
            case (Quotient(dividend, int(divisor)),) if divisor > 0 and coefficient % divisor == 0:
                least = (coefficient > 0) is lower
                if least and not every:
                    total = add(total, polynomial({monomial: coefficient}))
                    continue
                inner = add(dividend, 1 - divisor) if least else dividend
                total = add(total, multiply(inner, coefficient // divisor))
            case _:
                total = add(total, polynomial({monomial: coefficient}))
    return total


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
