"""What a graph does with one of its inputs, as far as it says which values make sense."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from ..ir.graph import attribute, axis_of, constant, integers, operand, rank_of, scalar, shape_of


@dataclass(frozen=True)
class Index:
    """Values that make an index valid.

    Attributes:
        low: Smallest.
        stop: One more than the largest.
    """

    low: int
    stop: int


@dataclass(frozen=True)
class Use:
    """One thing that a graph does with an input.

    Attributes:
        kind: "index", "compared", "inverted" (1 - x), "length" (of a sequence), "shape" (axes,
            sizes), "pixels" (0 to 255) or the function whose domain it must lie in, "Log", "Acos"
            or "Acosh".
        index: Of the kinds "index" and "length", which values are valid.
    """

    kind: str
    index: Index | None = None


FIRST, EVERY = frozenset({0}), frozenset(range(1000))
MOVES: Mapping[str, frozenset[int]] = {
    "Cast": FIRST,
    "CastLike": FIRST,
    "Clip": FIRST,
    "Expand": FIRST,
    "Flatten": FIRST,
    "Gather": FIRST,
    "GatherElements": FIRST,
    "GatherND": FIRST,
    "Identity": FIRST,
    "Reshape": FIRST,
    "Slice": FIRST,
    "Split": FIRST,
    "Squeeze": FIRST,
    "Sub": FIRST,
    "Tile": FIRST,
    "Transpose": FIRST,
    "Unsqueeze": FIRST,
    "Add": EVERY,
    "Concat": EVERY,
    "Max": EVERY,
    "Min": EVERY,
    "Where": frozenset({1, 2}),
}
"""Operators after which an element is still itself, or itself plus a constant; in which operand."""

SHAPE_SLOTS: Mapping[str, frozenset[int]] = {
    "Reshape": frozenset({1}),
    "Expand": frozenset({1}),
    "ConstantOfShape": frozenset({0}),
    "Tile": frozenset({1}),
    "Range": frozenset({0, 1, 2}),
    "Resize": frozenset({2, 3}),
    "Slice": frozenset({1, 2, 3, 4}),
    "TopK": frozenset({1}),
    "Pad": frozenset({1}),
    "Split": frozenset({1}),
    "OneHot": frozenset({1}),
}

COMPARISONS = frozenset(
    ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Not", "And", "Or", "Xor")
)

DOMAINS: Mapping[str, str] = {
    "Log": "Log",
    "Sqrt": "Log",
    "Acos": "Acos",
    "Asin": "Acos",
    "Atanh": "Acos",
    "Acosh": "Acosh",
}
"""Operators that are not defined everywhere, by the name of the kind of domain."""


def uses_of(value: ir.Value) -> Iterator[Use]:
    """Yield what a graph does with an input, directly or after moving it about.

    Args:
        value: A graph input; its elements are followed through `MOVES`.

    Yields:
        One entry a use, in no particular order.
    """
    # The constants that were added on the way, as (smallest, largest).
    stack: list[tuple[ir.Value, int, int]] = [(value, 0, 0)]
    seen: set[tuple[ir.Value, int, int]] = set()
    while stack:
        item = stack.pop()
        if item in seen:
            continue
        seen.add(item)
        current, low, high = item
        for node, slot in current.uses():
            for use in _uses(node, slot):
                yield _shifted(use, low, high)
            added = _added(node, slot) if slot in MOVES.get(node.op_type, ()) else None
            if added is not None:
                stack += [(output, low + added[0], high + added[1]) for output in node.outputs]


def _shifted(use: Use, low: int, high: int) -> Use:
    if use.index is None or use.kind != "index":
        return use
    return Use(use.kind, Index(max(use.index.low - low, 0), use.index.stop - high))


def _added(node: ir.Node, slot: int) -> tuple[int, int] | None:
    """Return the range of the constant that a node adds; None if it does something else."""
    if node.op_type not in ("Add", "Sub"):
        return 0, 0
    other = operand(node, 1 - slot)
    whole = other is not None and other.dtype is not None and other.dtype.is_integer()
    numbers = integers(other) if whole else None
    if not numbers:
        return None
    sign = 1 if node.op_type == "Add" else -1
    return min(sign * n for n in numbers), max(sign * n for n in numbers)


def _uses(node: ir.Node, slot: int) -> Iterator[Use]:
    kind = node.op_type
    if kind in DOMAINS or (kind == "Pow" and slot == 0 and _is_root(node)):
        yield Use(DOMAINS.get(kind, "Log"))
    elif slot in SHAPE_SLOTS.get(kind, ()):
        yield Use("shape")
    elif kind in INDEXED and slot == INDEXED[kind][0]:
        size = INDEXED[kind][1](node)
        yield Use("index", None if size is None else Index(0, size))
    elif kind in ("LSTM", "GRU", "RNN") and slot == 4:
        steps = shape_of(operand(node, 0))
        axis = 1 if attribute(node, "layout", 0) else 0
        yield Use("length", Index(0, steps[axis] + 1) if steps else None)
    elif _compares(node, slot):
        yield Use("compared")
    elif kind == "Sub" and slot == 1 and scalar(operand(node, 0)) == 1:
        yield Use("inverted")
    elif _rescales(node, slot):
        yield Use("pixels")


def _compares(node: ir.Node, slot: int) -> bool:
    """Tell whether a node asks an element for true or false."""
    if node.op_type == "Cast":
        return attribute(node, "to", 0) == ir.DataType.BOOL
    return node.op_type in COMPARISONS or (node.op_type == "Where" and slot == 0)


def _rescales(node: ir.Node, slot: int) -> bool:
    """Tell whether a node brings values between 0 and 255 near to 1."""
    if slot != 0 or node.op_type not in ("Div", "Mul", "Sub"):
        return False
    shape = shape_of(operand(node, 1))
    numbers = constant(operand(node, 1)) if shape is not None and math.prod(shape) <= 4 else None
    if numbers is None or numbers.dtype.kind not in "fiu" or not numbers.size:
        return False
    sizes = np.abs(numbers.astype(np.float64))
    low, high = float(sizes.min()), float(sizes.max())
    return {"Div": low >= 32, "Mul": 0 < high <= 1 / 32, "Sub": low >= 32}[node.op_type]


def _is_root(node: ir.Node) -> bool:
    exponent = scalar(operand(node, 1))
    return isinstance(exponent, float) and not exponent.is_integer()


def _size_along_axis(node: ir.Node) -> int | None:
    shape, rank = shape_of(operand(node, 0)), rank_of(operand(node, 0))
    if not shape or not rank:
        return None
    return shape[axis_of(attribute(node, "axis", 0), rank)]


def _size_of_every_axis(node: ir.Node) -> int | None:
    """The smallest dimension that GatherND or ScatterND may index."""
    shape, indices = shape_of(operand(node, 0)), shape_of(operand(node, 1))
    batch = attribute(node, "batch_dims", 0)
    return min(shape[batch : batch + indices[-1]], default=None) if shape and indices else None


def _depth(node: ir.Node) -> int | None:
    depth = scalar(operand(node, 1))
    return None if depth is None else int(depth)


def _samples(node: ir.Node) -> int | None:
    shape = shape_of(operand(node, 0))
    return shape[0] if shape else None


INDEXED: Mapping[str, tuple[int, Callable[[ir.Node], int | None]]] = {
    "Gather": (1, _size_along_axis),
    "GatherElements": (1, _size_along_axis),
    "ScatterElements": (1, _size_along_axis),
    "GatherND": (1, _size_of_every_axis),
    "ScatterND": (1, _size_of_every_axis),
    "OneHot": (0, _depth),
    "RoiAlign": (2, _samples),
}
"""Operators that read an index: in which operand, and how many values there are."""
