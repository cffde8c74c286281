"""Coordinates for operators that a pass writes: 0, 1, 2 … along an axis of an open size."""

from collections.abc import Sequence

import onnx_ir as ir

from .rewrite import Site

INT64 = ir.DataType.INT64


def ramp(site: Site, count: ir.Value, shape: Sequence[int] = ()) -> ir.Value:
    """Return the whole numbers below a count, in a shape of which one size is -1."""
    zero, one = (site.constant(number, "number", INT64) for number in (0, 1))
    numbers = site.add("Range", [zero, count, one], dtype=INT64)
    numbers.shape = ir.Shape([None])
    if not shape:
        return numbers
    return site.add("Reshape", [numbers, site.ints(shape, "along")], dtype=INT64)


def coordinates(site: Site, value: ir.Value | None, axis: int, rank: int) -> ir.Value:
    """Return the coordinates along an axis of a value, that broadcast to its shape.

    Args:
        site: The node before which they are computed.
        value: Of a shape whose sizes may be open.
        axis: Counted from the front.
        rank: Number of its axes, or of those that the result shall have.
    """
    shape = [-1 if i == axis else 1 for i in range(rank)]
    return ramp(site, site.size(value, axis), shape)


def product(site: Site, factors: Sequence[ir.Value]) -> ir.Value:
    """Return the product of scalars of int64, 1 of none."""
    if not factors:
        return site.constant(1, "one", INT64)
    total = factors[0]
    for factor in factors[1:]:
        total = site.add("Mul", [total, factor], dtype=INT64)
    return total
