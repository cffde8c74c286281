"""Questions about an ONNX graph that every pass and emitter asks."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar, cast

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from .errors import quoted

Array = npt.NDArray[np.generic]
T = TypeVar("T")


def operator(node: ir.Node) -> str:
    """Return an operator's name for people: `Conv`, `com.acme.Swoosh`."""
    return f"{node.domain}.{node.op_type}" if node.domain else node.op_type


@contextmanager
def blaming(node: ir.Node) -> Generator[None]:
    """Note, on whatever goes wrong inside, the node at which it did."""
    try:
        yield
    except Exception as error:
        error.add_note(f"{operator(node)} {quoted(node.name or '')}")
        raise


def attribute(node: ir.Node, name: str, default: T) -> T:
    """Return the value of an attribute, or `default` where the node does not carry it.

    Strings come as `str`, lists as tuples, tensors as `ir.TensorProtocol`.
    """
    attr = node.attributes.get(name)
    return default if attr is None else attr.value


def operand(node: ir.Node, index: int) -> ir.Value | None:
    """Return an input, or None where an optional one is absent or named ''."""
    return node.inputs[index] if index < len(node.inputs) else None


def is_constant(value: ir.Value | None) -> bool:
    """Tell whether a value is an initializer, known when the network is compiled."""
    return value is not None and value.is_initializer() and not value.is_graph_input()


def elements(tensor: ir.TensorProtocol) -> Array:
    """Return the elements of a tensor, read from disk where they lie there."""
    array: Array = tensor.numpy()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return array


def numpy_type(dtype: ir.DataType) -> "np.dtype[np.generic]":
    """Return NumPy's name of an element type, or that of ml_dtypes where NumPy has none."""
    return cast("np.dtype[np.generic]", dtype.numpy())  # pyright: ignore[reportUnknownMemberType]


def constant(value: ir.Value | None) -> Array | None:
    """Return the elements of an initializer, or None for any other value.

    It reads the weight from disk: ask `is_constant` and `shape_of` first where these suffice.
    """
    if value is None or not is_constant(value) or value.const_value is None:
        return None
    return elements(value.const_value)


def small_constant(value: ir.Value | None, most: int) -> Array | None:
    """Return the elements of an initializer of no more than `most`; larger ones stay unread."""
    if value is None or value.const_value is None or value.const_value.size > most:
        return None
    return constant(value)


MOST_INTEGERS = 2**22
"""Elements above which a constant is no list of axes, sizes or indices that anyone reads."""


def integers(value: ir.Value | None) -> tuple[int, ...] | None:
    """Return a constant integer tensor (axes, shapes, pads) as Python ints, row-major."""
    array = small_constant(value, MOST_INTEGERS)
    if array is None or array.dtype.kind not in "iu":
        return None
    return tuple(int(item) for item in array.reshape(-1))


def scalar(value: ir.Value | None) -> float | int | bool | None:
    """Return the only element of a constant as a Python scalar, or None."""
    if value is None or not is_constant(value) or value.const_value is None:
        return None
    if value.const_value.size != 1:
        return None
    item: float | int | bool = elements(value.const_value).reshape(-1)[0].item()
    return item


def shape_of(value: ir.Value | None) -> tuple[int, ...] | None:
    """Return the shape if every dimension is a known integer, else None."""
    if value is None or value.shape is None:
        return None
    dims = tuple(value.shape)
    return tuple(int(d) for d in dims) if all(isinstance(d, int) for d in dims) else None  # type: ignore[arg-type]


def rank_of(value: ir.Value | None) -> int | None:
    """Return the number of dimensions where it is known, whether or not they are."""
    return None if value is None or value.shape is None else len(value.shape)


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from the front; ONNX counts negative ones from the back."""
    return axis + rank if axis < 0 else axis


def outer_inputs(nodes: Sequence[ir.Node]) -> list[ir.Value]:
    """Return what a set of nodes reads but does not make, in order of first reading."""
    made = {output for node in nodes for output in node.outputs}
    return list(
        dict.fromkeys(
            value
            for node in nodes
            for value in node.inputs
            if value is not None and value not in made
        )
    )


def bodies(node: ir.Node) -> Iterator[ir.Graph]:
    """Yield the graphs that a node holds itself: branches of an If, the body of a Loop."""
    for attr in node.attributes.values():
        if attr.type is ir.AttributeType.GRAPH:
            yield attr.as_graph()
