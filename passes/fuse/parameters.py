"""Parameters as the operators of the dialect take them."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import axis_of, integers, shape_of
from ...compiler.ir.provenance import add_history
from ..rewrite import Site

Known = dict[ir.Value, ir.Value]
"""Vectors made so far, by parameter: modules that share one go on to do so."""


def as_vector(
    site: Site, parameter: ir.Value, size: int, axis: int, known: Known
) -> ir.Value | None:
    """Return a constant as the vector along an axis that it is, or None if it is no such.

    A Reshape of it is left to be folded, which keeps its key in PyTorch's state_dict.

    Args:
        site: Where it is read.
        parameter: A constant that is broadcast.
        size: Elements of the vector.
        axis: The only axis that may have more than one element, counted from the back.
        known: Vectors made so far.
    """
    shape = shape_of(parameter)
    if shape is None or len(shape) < -axis or shape[axis] != size:
        return None
    if any(n != 1 for n in (*shape[:axis], *shape[len(shape) + axis + 1 :])):
        return None
    if shape == (size,):
        return parameter
    if parameter not in known:
        vector = site.add("Reshape", [parameter, site.ints([size], "size")], dtype=parameter.dtype)
        vector.shape = ir.Shape([size])
        known[parameter] = vector
    return known[parameter]


def made_up(site: Site, sizes: tuple[int, ...], dtype: ir.DataType) -> tuple[ir.Value, ir.Value]:
    """Return a scale of ones and a bias of zeros, for a normalization that has neither."""
    scale, bias = (
        site.constant(np.full(sizes, element), role, dtype)
        for element, role in ((1, "scale"), (0, "bias"))
    )
    add_history(scale, "made up: ones")
    add_history(bias, "made up: zeros")
    return scale, bias


def of_shape(
    site: Site, parameter: ir.Value, sizes: tuple[int, ...], known: Known
) -> ir.Value | None:
    """Return a constant that has the sizes of the last axes, or None if it has others."""
    if shape_of(parameter) == sizes:
        return parameter
    return as_vector(site, parameter, sizes[0], -1, known) if len(sizes) == 1 else None


def last_axes(value: ir.Value, axes: ir.Value) -> tuple[int, ...]:
    """Return the sizes of the axes of a value that a constant names; none unless they are last."""
    named = integers(axes)
    if value.shape is None or not named:
        return ()
    rank = len(value.shape)
    if {axis_of(axis, rank) for axis in named} != set(range(rank - len(named), rank)):
        return ()
    sizes = tuple(value.shape[rank - len(named) :])
    return tuple(size for size in sizes if isinstance(size, int)) if _are_known(sizes) else ()


def _are_known(sizes: tuple[int | ir.SymbolicDim, ...]) -> bool:
    return all(isinstance(size, int) and size > 0 for size in sizes)
