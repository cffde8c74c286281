"""Small tensors whose elements are known as expressions of dimensions: shapes, bounds, counts.

An element is an int, bool or float, a `Dim`, a `Ratio` (a float that is a quotient of sizes), or
None where it is not known.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ..dim_bounds import extreme, is_equal, is_less
from ..dims import Dim, Size, remainder
from ..evaluate import EVALUATORS, UNFIT, CannotEvaluateError, evaluate, output_size
from ..graph import Array, attribute, numpy_type

Content: TypeAlias = npt.NDArray[np.object_]

MOST = 64
"""Most elements of a content."""

COARSEST = 2**10
"""Largest denominator of a factor: 1.5 is one of halves, 0.1 none of anything."""


@dataclass(frozen=True)
class Ratio:
    """A float that is a quotient of a size and a number, exactly."""

    dividend: Size
    divisor: int = 1


Element: TypeAlias = "int | float | bool | Dim | Ratio | None"
Function: TypeAlias = Callable[..., Element]


def content_of(array: Array) -> Content | None:
    """Return a constant as a content; None if it is too large or no numbers."""
    if array.size > MOST or array.dtype.kind not in "iubf":
        return None
    return _objects(array.tolist(), array.shape)


def _objects(elements: object, shape: tuple[int, ...]) -> Content:
    content = np.empty(shape, object)
    if content.size:  # NumPy makes one axis of nothing
        content[...] = elements
    return content


def vector(sizes: Sequence[Element]) -> Content:
    """Return elements as a vector."""
    content = np.empty(len(sizes), object)
    content[:] = sizes
    return content


def numbers(content: Content | None, dtype: ir.DataType | None) -> Array | None:
    """Return a content as an array, if all its elements are numbers."""
    if (
        content is None
        or dtype is None
        or not all(isinstance(e, int | float) for e in content.flat)
    ):
        return None
    return np.array(content.tolist(), numpy_type(dtype)).reshape(content.shape)


def sizes(content: Content | None) -> tuple[Size | None, ...] | None:
    """Return a content as whole numbers, None for those that are not known."""
    if content is None:
        return None
    elements: list[Element] = content.reshape(-1).tolist()
    return tuple(map(_whole, elements))


def _whole(element: Element) -> Size | None:
    if isinstance(element, float) and element.is_integer():
        return int(element)
    if isinstance(element, Ratio) and element.divisor == 1:
        return element.dividend
    return element if isinstance(element, Dim) or type(element) is int else None


def compute(node: ir.Node, operands: Sequence[Content | None]) -> Content | None:
    """Return the only output of a node as a content, or None."""
    try:
        return _compute(node, operands)
    except (CannotEvaluateError, *UNFIT):
        return None


def _compute(node: ir.Node, operands: Sequence[Content | None]) -> Content | None:
    if any(o is None for o, v in zip(operands, node.inputs, strict=True) if v is not None):
        return None
    exact = _exact(node, operands)
    if exact is not None:
        return content_of(exact)
    given = [operand for operand in operands if operand is not None]
    if node.op_type in ELEMENTWISE:
        return _elementwise(node, given)
    if node.op_type in FOLDS:
        return _fold(node, given)
    if node.op_type in MOVES and all(map(_are_numbers, given[1:])):
        others = (numbers(o, ir.DataType.INT64) for o in operands[1:])
        arrays = [cast("Array", given[0]), *others]
        if output_size(node, arrays) > MOST:
            return None
        return np.asarray(EVALUATORS[node.op_type](node, arrays), object)
    if node.op_type == "Concat":
        return np.concatenate(given, axis=attribute(node, "axis", 0))
    if node.op_type in ("ScatterND", "ScatterElements"):
        return _scatter(node, given)
    return None


MOVES = frozenset(
    ("Gather", "Slice", "Unsqueeze", "Squeeze", "Reshape", "Transpose", "Flatten", "Expand")
)
"""Operators that move elements, to where their other inputs say."""


def _are_numbers(content: Content) -> bool:
    return all(isinstance(e, int | float) for e in content.flat)


def _exact(node: ir.Node, operands: Sequence[Content | None]) -> Array | None:
    """Return the output of a node on mere numbers, in their own type."""
    if node.op_type not in EVALUATORS:
        return None
    arrays: list[Array | None] = []
    for value, operand in zip(node.inputs, operands, strict=True):
        array = numbers(operand, value.dtype) if value is not None else None
        if value is not None and array is None:
            return None
        arrays.append(array)
    return evaluate(node, arrays) if output_size(node, arrays) <= MOST else None


def _elementwise(node: ir.Node, given: Sequence[Content]) -> Content | None:
    function = ELEMENTWISE[node.op_type]
    if node.op_type == "Cast":
        function = _cast(ir.DataType(attribute(node, "to", 0)))
    elif node.op_type == "Mod" and attribute(node, "fmod", 0):
        function = _c_modulo
    elif node.op_type == "Div" and node.inputs[0] is not None and node.inputs[0].dtype is not None:
        function = _whole_quotient if node.inputs[0].dtype.is_integer() else _quotient
    try:
        shape = np.broadcast_shapes(*(content.shape for content in given))
    except ValueError:
        return None
    if math.prod(shape) > MOST:
        return None
    spread = [np.broadcast_to(content, shape) for content in given]
    results = [function(*elements) for elements in zip(*(s.flat for s in spread), strict=True)]
    return vector(results).reshape(shape)


def _known(function: Function) -> Function:
    """Make a function of elements one that gives None where an element is not known."""

    def call(*elements: Element) -> Element:
        return None if any(element is None for element in elements) else function(*elements)

    return call


def _scaled(element: Element) -> Ratio | None:
    """Return an element as a ratio, if it is one exactly."""
    if isinstance(element, Ratio):
        return element
    if isinstance(element, Dim | int) and not isinstance(element, bool):
        return Ratio(element)
    if isinstance(element, float) and math.isfinite(element):
        fraction = Fraction(element)
        if fraction.denominator <= COARSEST:
            return Ratio(fraction.numerator, fraction.denominator)
    return None


def _ratio(dividend: Size, divisor: int) -> Element:
    if isinstance(dividend, int):
        return dividend / divisor
    return Ratio(dividend, divisor)


@_known
def _add(one: Element, other: Element) -> Element:
    if isinstance(one, int | Dim) and isinstance(other, int | Dim):
        return one + other
    a, b = _scaled(one), _scaled(other)
    if a is None or b is None:
        return None
    return _ratio(a.dividend * b.divisor + b.dividend * a.divisor, a.divisor * b.divisor)


@_known
def _multiply(one: Element, other: Element) -> Element:
    if isinstance(one, int | Dim) and isinstance(other, int | Dim):
        return one * other
    a, b = _scaled(one), _scaled(other)
    if a is None or b is None:
        return None
    return _ratio(a.dividend * b.dividend, a.divisor * b.divisor)


@_known
def _subtract(one: Element, other: Element) -> Element:
    return _add(one, _multiply(other, -1))


@_known
def _whole_quotient(one: Element, other: Element) -> Element:
    """Div of whole numbers rounds towards zero: only of what is never negative it is Python's."""
    if not isinstance(one, int | Dim) or not isinstance(other, int | Dim) or other == 0:
        return None
    return one // other if is_less(0, one) and is_less(0, other) else None


@_known
def _quotient(one: Element, other: Element) -> Element:
    a, b = _scaled(one), _scaled(other)
    if a is None or b is None or not isinstance(b.dividend, int) or not b.dividend:
        return None
    if b.dividend < 0:
        return _ratio(-1 * a.dividend * b.divisor, a.divisor * -b.dividend)
    return _ratio(a.dividend * b.divisor, a.divisor * b.dividend)


@_known
def _modulo(one: Element, other: Element) -> Element:
    """Mod of whole numbers has the divisor's sign, as Python's; with fmod=1 the dividend's."""
    if not isinstance(one, int | Dim) or not isinstance(other, int | Dim) or other == 0:
        return None
    return remainder(one, other)


@_known
def _c_modulo(one: Element, other: Element) -> Element:
    if not isinstance(one, int | Dim) or not isinstance(other, int | Dim) or other == 0:
        return None
    return remainder(one, other) if is_less(0, one) and is_less(0, other) else None


@_known
def _floor(element: Element) -> Element:
    ratio = _scaled(element)
    return None if ratio is None else _ratio(ratio.dividend // ratio.divisor, 1)


@_known
def _ceil(element: Element) -> Element:
    ratio = _scaled(element)
    return None if ratio is None else _ratio(-1 * (-1 * ratio.dividend // ratio.divisor), 1)


def _cast(target: ir.DataType) -> Function:
    @_known
    def cast_element(element: Element) -> Element:
        if target is ir.DataType.BOOL:
            known = is_equal(element, 0) if isinstance(element, int | Dim) else None
            return None if known is None else not known
        if target.is_integer():
            if isinstance(element, float):
                return int(element) if math.isfinite(element) else None
            if isinstance(element, Ratio):
                return element.dividend // element.divisor if is_less(0, element.dividend) else None
            return int(element) if isinstance(element, bool) else element
        if target.is_floating_point():
            return Ratio(element) if isinstance(element, Dim) else element
        return None

    return cast_element


def _compare(function: Callable[[Size, Size], bool | None]) -> Function:
    @_known
    def compare(one: Element, other: Element) -> Element:
        if isinstance(one, int | Dim) and isinstance(other, int | Dim):
            return function(one, other)
        return None

    return compare


def _where(condition: Element, one: Element, other: Element) -> Element:
    if isinstance(condition, bool):
        return one if condition else other
    return one if one == other else None


def _same(element: Element) -> Element:
    return element


def _negate(element: Element) -> Element:
    return _multiply(element, -1)


def _not(element: Element) -> Element:
    return not element if isinstance(element, bool) else None


def _both(one: Element, other: Element) -> Element:
    if one is False or other is False:
        return False
    return True if one is True and other is True else None


def _either(one: Element, other: Element) -> Element:
    if one is True or other is True:
        return True
    return False if one is False and other is False else None


def _extreme(function: str) -> Function:
    @_known
    def choose(*elements: Element) -> Element:
        whole = [e for e in elements if isinstance(e, int | Dim)]
        return extreme(function, whole) if len(whole) == len(elements) else None

    return choose


ELEMENTWISE: dict[str, Function] = {
    "Add": _add,
    "Sub": _subtract,
    "Mul": _multiply,
    "Div": _quotient,
    "Mod": _modulo,
    "Neg": _negate,
    "Floor": _floor,
    "Ceil": _ceil,
    "Cast": _same,
    "Identity": _same,
    "Equal": _compare(is_equal),
    "Less": _compare(lambda a, b: is_less(a, b, or_equal=False)),
    "LessOrEqual": _compare(is_less),
    "Greater": _compare(lambda a, b: is_less(b, a, or_equal=False)),
    "GreaterOrEqual": _compare(lambda a, b: is_less(b, a)),
    "Not": _not,
    "And": _both,
    "Or": _either,
    "Where": _where,
    "Max": _extreme("max"),
    "Min": _extreme("min"),
}
"""What operators make of one element of each input."""

FOLDS: dict[str, tuple[Function, int | None]] = {
    "ReduceProd": (_multiply, 1),
    "ReduceSum": (_add, 0),
    "ReduceMax": (_extreme("max"), None),
    "ReduceMin": (_extreme("min"), None),
}
"""Reductions: what is done with two elements, and what is left of none."""


def _fold(node: ir.Node, given: Sequence[Content]) -> Content | None:
    """Return the reduction of a vector to one element."""
    data = given[0]
    if data.ndim != 1 or (len(given) == 1 and attribute(node, "noop_with_empty_axes", 0)):
        return None
    function, empty = FOLDS[node.op_type]
    elements: list[Element] = data.tolist()
    total: Element = empty if empty is not None else (elements[0] if elements else None)
    for element in elements if empty is not None else elements[1:]:
        total = function(total, element)
    return vector([total]).reshape((1,) if attribute(node, "keepdims", 1) else ())


def _scatter(node: ir.Node, given: Sequence[Content]) -> Content | None:
    """Return a vector in which elements are replaced at known places."""
    data, places, updates = given
    if data.ndim != 1 or attribute(node, "reduction", "none") != "none" or not _are_numbers(places):
        return None
    result = data.copy()
    for place, update in zip(places.reshape(-1), updates.reshape(-1), strict=False):
        result[int(place)] = update
    return result
