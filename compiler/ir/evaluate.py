"""Operators that are computed with NumPy: those of shape arithmetic, exactly as ONNX defines them.

Whatever is not here is folded by onnxruntime, whose import costs more than all of this.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import onnx_ir as ir

from .graph import Array, attribute, axis_of, elements, numpy_type

Operands = Sequence[Array | None]
Evaluator = Callable[[ir.Node, Operands], Array]

EVALUATORS: dict[str, Evaluator] = {}
"""By operator of the dialect; each returns a new array, or a view of what it was given."""

ARITHMETIC: dict[str, np.ufunc] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Min": np.minimum,
    "Max": np.maximum,
}
COMPARISON: dict[str, np.ufunc] = {
    "Equal": np.equal,
    "Greater": np.greater,
    "Less": np.less,
    "GreaterOrEqual": np.greater_equal,
    "LessOrEqual": np.less_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
}
UNARY: dict[str, np.ufunc] = {
    "Neg": np.negative,
    "Abs": np.absolute,
    "Sqrt": np.sqrt,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Not": np.logical_not,
}
REDUCTION: dict[str, np.ufunc] = {
    "ReduceSum": np.add,
    "ReduceProd": np.multiply,
    "ReduceMin": np.minimum,
    "ReduceMax": np.maximum,
}


UNFIT = (ArithmeticError, LookupError, TypeError, ValueError)
"""What NumPy and Python raise where operands do not fit: an index out of bounds, a step of 0."""


class CannotEvaluateError(Exception):
    """The operands of a node do not fit its operator; whoever runs it will be told."""


def evaluates(*op_types: str) -> Callable[[Evaluator], Evaluator]:
    """Register how operators are computed."""

    def register(function: Evaluator) -> Evaluator:
        for op_type in op_types:
            if op_type in EVALUATORS:
                raise ValueError(f"{op_type} is evaluated twice")
            EVALUATORS[op_type] = function
        return function

    return register


def evaluate(node: ir.Node, operands: Operands) -> Array:
    """Return the output of a node that has an evaluator.

    Args:
        node: A node with one output, an operator in `EVALUATORS`.
        operands: The values of its inputs; None for an absent one.

    Raises:
        CannotEvaluateError: The operands do not fit the operator.
    """
    try:
        with np.errstate(all="ignore"):
            return EVALUATORS[node.op_type](node, operands)
    except UNFIT as error:
        raise CannotEvaluateError(str(error)) from error


def output_size(node: ir.Node, operands: Operands) -> int:
    """Return how many elements a node's output has, before it is computed.

    A model may claim any size: what would not fit is left to be computed at run time.

    Raises:
        CannotEvaluateError: The operands do not fit the operator.
    """
    try:
        return _output_size(node, operands)
    except UNFIT as error:
        raise CannotEvaluateError(str(error)) from error


def _output_size(node: ir.Node, operands: Operands) -> int:
    given = _given(operands)
    match node.op_type:
        case "ConstantOfShape":
            return math.prod(_ints(given[0]))
        case "Expand":
            return math.prod(_broadcast(given[0].shape, tuple(_ints(given[1]))))
        case "Range":
            return _range_count(given)
        case "Gather":
            data, indices = given
            return indices.size * data.size // max(data.shape[attribute(node, "axis", 0)], 1)
        case op_type if (
            op_type in ARITHMETIC or op_type in COMPARISON or op_type in ("Div", "Where")
        ):
            return math.prod(_broadcast(*(operand.shape for operand in given)))
        case _:
            return sum(operand.size for operand in given)


def _given(operands: Operands) -> list[Array]:
    return [operand for operand in operands if operand is not None]


def _ints(operand: Array) -> list[int]:
    return [int(item) for item in operand.reshape(-1)]


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that shapes broadcast to, of any size: NumPy's own overflows."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(0 if 0 in sizes else max(sizes) for sizes in zip(*padded, strict=True))


@evaluates(*ARITHMETIC)
def _arithmetic(node: ir.Node, operands: Operands) -> Array:
    first, *others = _given(operands)
    result = first
    for other in others:
        result = np.asarray(ARITHMETIC[node.op_type](result, other, dtype=first.dtype))
    return result


@evaluates("Div")
def _div(node: ir.Node, operands: Operands) -> Array:
    first, second = _given(operands)
    if first.dtype.kind in "iu":  # towards zero, as in C; Python's // goes down
        remainder = np.fmod(first, second, dtype=first.dtype)
        return np.asarray(np.floor_divide(np.subtract(first, remainder), second), first.dtype)
    return np.asarray(np.divide(first, second, dtype=first.dtype))


@evaluates(*UNARY)
def _unary(node: ir.Node, operands: Operands) -> Array:
    (operand,) = _given(operands)
    return np.asarray(UNARY[node.op_type](operand), operand.dtype)


@evaluates(*COMPARISON)
def _comparison(node: ir.Node, operands: Operands) -> Array:
    first, second = _given(operands)
    return np.asarray(COMPARISON[node.op_type](first, second))


@evaluates("Where")
def _where(node: ir.Node, operands: Operands) -> Array:
    condition, first, second = _given(operands)
    return np.asarray(np.where(condition, first, second), first.dtype)


@evaluates("Cast")
def _cast(node: ir.Node, operands: Operands) -> Array:
    (operand,) = _given(operands)
    return operand.astype(numpy_type(ir.DataType(attribute(node, "to", 0))))


@evaluates("Gather")
def _gather(node: ir.Node, operands: Operands) -> Array:
    data, indices = _given(operands)
    return np.asarray(np.take(data, indices.astype(np.int64), axis=attribute(node, "axis", 0)))


@evaluates("Concat")
def _concat(node: ir.Node, operands: Operands) -> Array:
    return np.concatenate(_given(operands), axis=attribute(node, "axis", 0))


@evaluates("Transpose")
def _transpose(node: ir.Node, operands: Operands) -> Array:
    (data,) = _given(operands)
    return np.transpose(data, attribute(node, "perm", tuple(reversed(range(data.ndim)))))


@evaluates("Unsqueeze")
def _unsqueeze(node: ir.Node, operands: Operands) -> Array:
    data, axes = _given(operands)
    return np.expand_dims(data, tuple(_ints(axes)))


@evaluates("Squeeze")
def _squeeze(node: ir.Node, operands: Operands) -> Array:
    data, *axes = _given(operands)
    return np.squeeze(data, tuple(_ints(axes[0])) if axes else None)


@evaluates("Flatten")
def _flatten(node: ir.Node, operands: Operands) -> Array:
    (data,) = _given(operands)
    axis = axis_of(attribute(node, "axis", 1), data.ndim)
    return data.reshape(math.prod(data.shape[:axis]), math.prod(data.shape[axis:]))


@evaluates("Reshape")
def _reshape(node: ir.Node, operands: Operands) -> Array:
    data, shape = _given(operands)
    copies = not attribute(node, "allowzero", 0)
    wanted = [
        data.shape[axis] if size == 0 and copies else size for axis, size in enumerate(_ints(shape))
    ]
    return data.reshape(wanted)


@evaluates("Slice")
def _slice(node: ir.Node, operands: Operands) -> Array:
    data, starts, ends = _given(operands[:3])
    axes, steps = (*operands[3:], None, None)[:2]
    count = starts.size
    where = range(count) if axes is None else _ints(axes)
    strides = [1] * count if steps is None else _ints(steps)
    window = [slice(None)] * data.ndim
    for axis, start, end, step in zip(where, _ints(starts), _ints(ends), strides, strict=True):
        window[axis] = _python_slice(start, end, step, data.shape[axis])
    return data[tuple(window)]


def _python_slice(start: int, end: int, step: int, size: int) -> slice:
    """Return the slice of Python that means the same; there an end of -1 is the last element."""
    if step < 0 and end in (2**31 - 1, 2**63 - 1):  # onnxruntime: as far as it goes
        end = -(2**63)
    start, end = (index + size if index < 0 else index for index in (start, end))
    if step > 0:
        return slice(max(start, 0), max(end, 0), step)
    return slice(min(max(start, 0), size - 1), end if end >= 0 else None, step)


@evaluates("Expand")
def _expand(node: ir.Node, operands: Operands) -> Array:
    data, shape = _given(operands)
    return np.broadcast_to(data, np.broadcast_shapes(data.shape, tuple(_ints(shape))))


@evaluates("ConstantOfShape")
def _constant_of_shape(node: ir.Node, operands: Operands) -> Array:
    (shape,) = _given(operands)
    value: ir.TensorProtocol | None = attribute(node, "value", None)
    element = np.zeros((), np.float32) if value is None else elements(value).reshape(())
    return np.broadcast_to(element, tuple(_ints(shape)))


@evaluates("Range")
def _range(node: ir.Node, operands: Operands) -> Array:
    start, _, delta = (operand.reshape(()) for operand in _given(operands))
    steps = np.arange(_range_count(operands), dtype=start.dtype)
    return np.asarray(np.add(start, np.multiply(steps, delta)), start.dtype)


def _range_count(operands: Operands) -> int:
    start, limit, delta = (float(item.astype(np.float64).reshape(())) for item in _given(operands))
    return max(math.ceil((limit - start) / delta), 0)


@evaluates(*REDUCTION)
def _reduce(node: ir.Node, operands: Operands) -> Array:
    data, *axes = _given(operands)
    axis = tuple(_ints(axes[0])) if axes and axes[0].size else None
    if axis is None and attribute(node, "noop_with_empty_axes", 0):
        return data
    keepdims = bool(attribute(node, "keepdims", 1))
    reduce = REDUCTION[node.op_type].reduce
    return np.asarray(reduce(data, axis=axis, keepdims=keepdims), data.dtype)
