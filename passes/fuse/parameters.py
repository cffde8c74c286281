"""Parameters as the operators of the dialect take them."""

import onnx_ir as ir

from ...compiler.ir.graph import shape_of
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
