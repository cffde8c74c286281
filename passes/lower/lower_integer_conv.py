"""Convolutions of integers."""

import math

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ...compiler.ir.graph import constant, operand, rank_of, shape_of
from ...compiler.ir.provenance import add_history, set_sources, sources_of
from ..base import graph_pass
from ..rewrite import AttributeValue, Site, sites

FLOAT, INT32 = ir.DataType.FLOAT, ir.DataType.INT32
EXACT = 2**24
"""Whole numbers up to here are float32."""

LARGEST = 255
"""Of a difference of two numbers of eight bits."""

DIGIT = 16
"""Weights whose sums are larger are taken apart into this many times a number, and a rest."""


@graph_pass(after=("fold_constants",))
def lower_integer_conv(graph: ir.Graph) -> int:
    """Write ConvInteger as a Conv of float32, or two of them, whose sums are all exact.

    MindSpore 2.10 has no convolution of integers on CPU. A sum of more than 2^24 is made of two:
    the weights are 16 a + b.
    """
    return sum(_lower(site) for site in sites(graph, "ConvInteger"))


def _lower(site: Site) -> bool:
    node = site.node
    shape, rank = shape_of(operand(node, 1)), rank_of(operand(node, 0))
    if rank is None:
        return False
    x = site.add("Cast", [site[0]], to=int(FLOAT), dtype=FLOAT)
    if site[2] is not None:
        x = site.add("Sub", [x, as_float(site, 2, "x_zero_point")], dtype=FLOAT)
    source = site[0]
    x.shape = source.shape if source is not None else None  # the next pass asks for it
    weights = _known_weights(site, rank)
    if weights is not None:
        largest = np.abs(weights).reshape(len(weights), -1).sum(axis=1) * LARGEST
        parts = [weights] if largest.max(initial=0) <= EXACT else list(np.divmod(weights, DIGIT))
        values = [_weight(site, part) for part in parts]
    else:
        values = _computed_weights(site, rank, math.inf if shape is None else math.prod(shape[1:]))
    for value in values:
        value.shape = ir.Shape(shape or [None] * rank)
    sums = [site.add("Conv", [x, value], dtype=FLOAT, **_window(node)) for value in values]
    results = [site.add("Cast", [one], to=int(INT32), dtype=INT32) for one in sums]
    result = results[0]
    if len(results) > 1:
        high = site.add("Mul", [result, site.constant(DIGIT, "digit", INT32)], dtype=INT32)
        result = site.add("Add", [high, results[1]], dtype=INT32)
    site.replace(result)
    return True


def as_float(site: Site, index: int, role: str, shape: tuple[int, ...] | None = None) -> ir.Value:
    """Return an operand of whole numbers as float32, of another shape if one is given."""
    value = operand(site.node, index)
    array = constant(value)
    if array is not None:
        return site.constant(array if shape is None else array.reshape(shape), role, FLOAT)
    wide = site.add("Cast", [value], to=int(FLOAT), dtype=FLOAT)
    if shape is None:
        return wide
    return site.add("Reshape", [wide, site.ints(shape, "shape")], dtype=FLOAT)


def _column(site: Site, rank: int) -> tuple[int, ...]:
    """Return the shape of the weights' zero points: one an output channel, or one."""
    several = rank_of(site[3]) == 1 and shape_of(site[3]) != (1,)
    return (-1, *(1 for _ in range(rank - 1))) if several else ()


def _known_weights(site: Site, rank: int) -> npt.NDArray[np.int32] | None:
    """Return constant weights less their zero points."""
    weights, zero = constant(site[1]), constant(site[3])
    if weights is None or (site[3] is not None and zero is None):
        return None
    whole = weights.astype(np.int32)
    return whole if zero is None else whole - zero.astype(np.int32).reshape(_column(site, rank))


def _weight(site: Site, part: npt.NDArray[np.int32]) -> ir.Value:
    source = site[1]
    value = site.constant(part, "weight", FLOAT)
    if source is not None:
        set_sources(value, sources_of(source) or (source.name or "",))
        add_history(value, "less its zero point, as real numbers", source)
    return value


def _computed_weights(site: Site, rank: int, count: float) -> list[ir.Value]:
    weight = as_float(site, 1, "weight")
    if site[3] is not None:
        zero = as_float(site, 3, "w_zero_point", _column(site, rank))
        weight = site.add("Sub", [weight, zero], dtype=FLOAT)
    if count * LARGEST * LARGEST <= EXACT:
        return [weight]
    digit = site.constant(DIGIT, "digit", FLOAT)
    high = site.add("Floor", [site.add("Div", [weight, digit], dtype=FLOAT)], dtype=FLOAT)
    whole = site.add("Mul", [high, digit], dtype=FLOAT)
    return [high, site.add("Sub", [weight, whole], dtype=FLOAT)]


def _window(node: ir.Node) -> dict[str, AttributeValue]:
    return {name: attr.value for name, attr in node.attributes.items()}
