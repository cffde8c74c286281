"""Sizes read from text, and with values in the place of their symbols."""

import ast
from collections.abc import Mapping
from functools import lru_cache

from .dim_bounds import extreme
from .dims import (
    Extreme,
    Factor,
    Quotient,
    Size,
    add,
    divide,
    multiply,
    product,
    remainder,
    symbol,
    symbols,
)

LONGEST = 1000
"""Characters of a size that is read: longer ones are not ours."""


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """Return a size with other sizes in the place of symbols."""
    if isinstance(size, int) or not symbols(size) & values.keys():
        return size
    total: Size = 0
    for monomial, coefficient in size.terms:
        factors = (_substitute(factor, values) for factor in monomial)
        total = add(total, multiply(coefficient, product(factors)))
    return total


def _substitute(factor: Factor, values: Mapping[str, Size]) -> Size:
    match factor:
        case str():
            return values.get(factor, symbol(factor))
        case Quotient():
            return divide(substitute(factor.dividend, values), substitute(factor.divisor, values))
        case Extreme():
            return extreme(factor.function, [substitute(s, values) for s in factor.sizes])


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """Return the value of a size.

    Raises:
        KeyError: A symbol has no value.
        ZeroDivisionError: A divisor is zero.
    """
    if missing := symbols(size) - values.keys():
        raise KeyError(min(missing))
    found = substitute(size, values)
    if not isinstance(found, int):
        raise ZeroDivisionError(str(size))
    return found


@lru_cache(maxsize=2**14)
def parse(text: str) -> Size | None:
    """Read a size that was written as text; None where the text is no such expression."""
    if len(text) > LONGEST:
        return None
    try:
        return _read(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _read(node: ast.expr) -> Size:
    match node:
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return number
        case ast.Name(id=name):
            return symbol(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return multiply(_read(operand), -1)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return add(_read(left), _read(right))
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return add(_read(left), multiply(_read(right), -1))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return multiply(_read(left), _read(right))
        case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
            return divide(_read(left), _read(right))
        case ast.BinOp(left=left, op=ast.Mod(), right=right):
            return remainder(_read(left), _read(right))
        case ast.Call(func=ast.Name(id="max" | "min" as name), args=args, keywords=[]) if args:
            return extreme(name, [_read(argument) for argument in args])
        case _:
            raise ValueError("no expression of sizes")
