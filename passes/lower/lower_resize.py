"""Resizes that PyTorch's interpolate, and so MindSpore's, does not do."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand, shape_of
from ...compiler.ir.provenance import add_history
from ..base import graph_pass
from ..rewrite import AFFORDABLE, Names, Site, bypass, set_attribute, set_inputs
from .interpolation import Axis, Floats, axes_of, coordinates, matrix, nearest, outside

CLOSE = 1e-4
"""Coordinates that differ by less are the same; they are computed in float32."""

LONGEST = 2**20
"""Most elements along an axis that is written out; any number is resized by a function."""

TYPES = (ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.DOUBLE, ir.DataType.UINT8)
"""What ops.interpolate has kernels for on CPU."""


@graph_pass(after=("fold_constants",))
def lower_resize(graph: ir.Graph) -> int:
    """Write a Resize by sizes alone if ops.interpolate does it, else as Gathers or matrix products.

    ops.interpolate of MindSpore 2.10 does what PyTorch's does: nearest by asymmetric coordinates
    rounded down, linear by half_pixel or align_corners, the scale always the ratio of the sizes.
    Its bicubic has other weights.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Resize":
            continue
        axes = axes_of(node)
        if axes is None or any(max(axis.size, axis.output) > LONGEST for axis in axes):
            continue
        plain = _plain_mode(node, axes)
        if plain is None:
            lowered += _write_out(Site(node, names), axes)
        elif not _is_plain(node, plain):
            _simplify(Site(node, names), plain)
            lowered += 1
    return lowered


def _plain_mode(node: ir.Node, axes: Sequence[Axis]) -> str | None:
    """Return the coordinates by which ops.interpolate does the same; None if it does not."""
    if attribute(node, "antialias", 0) and any(axis.scale < 1 for axis in axes):
        return None
    if not 3 <= len(axes) <= 5 or any(axis.size != axis.output for axis in axes[:2]):
        return None
    if node.outputs[0].dtype not in TYPES:
        return None
    candidates = {"nearest": ["asymmetric"], "linear": ["half_pixel", "align_corners"]}
    for plain in candidates.get(attribute(node, "mode", "nearest"), []):
        if all(_is_same(node, axis, plain) for axis in axes[2:]):
            return plain
    return None


def _is_same(node: ir.Node, axis: Axis, plain: str) -> bool:
    """Tell whether an axis is resized as by the given coordinates and the ratio of its sizes."""
    if outside(node, axis).any():
        return False
    if plain == "asymmetric":
        step = np.float32(axis.size / axis.output)
        theirs = np.floor(np.arange(axis.output, dtype=np.float32) * step)
        return bool(np.array_equal(nearest(node, axis), theirs))
    wanted = replace(axis, scale=axis.output / axis.size).coordinates(plain)
    ours, theirs = (np.clip(c, 0, axis.size - 1) for c in (coordinates(node, axis), wanted))
    return bool(np.abs(ours - theirs).max() < CLOSE)


def _is_plain(node: ir.Node, plain: str) -> bool:
    """Tell whether a node is written as `_simplify` writes it."""
    return (
        operand(node, 3) is not None
        and set(node.attributes) == {"mode", "coordinate_transformation_mode", "nearest_mode"}
        and attribute(node, "coordinate_transformation_mode", "") == plain
    )


def _simplify(site: Site, plain: str) -> None:
    """Write a Resize by the sizes of its output alone."""
    node = site.node
    mode = attribute(node, "mode", "nearest")
    node.attributes.clear()
    set_attribute(node, "mode", mode)
    set_attribute(node, "coordinate_transformation_mode", plain)
    set_attribute(node, "nearest_mode", "floor")
    sizes = site.ints(shape_of(node.outputs[0]) or (), "sizes")
    set_inputs(node, site[0], None, None, sizes)


def _write_out(site: Site, axes: Sequence[Axis]) -> bool:
    """Write a Resize as a Gather or a matrix product along each axis that it changes."""
    node, value = site.node, site[0]
    dtype = value.dtype if value is not None else None
    reaches_out = any(outside(node, axis).any() for axis in axes)
    picks = attribute(node, "mode", "nearest") == "nearest" and not reaches_out
    if dtype is None or (not picks and not dtype.is_floating_point()):
        return False
    if any(axis.size * axis.output > AFFORDABLE for axis in axes):
        return False
    for axis in axes:
        weights = matrix(node, axis)
        if np.array_equal(weights, np.eye(axis.size)):
            continue
        if picks:
            indices = site.ints(nearest(node, axis).tolist(), "indices")
            value = site.add("Gather", [value, indices], axis=axis.index, dtype=dtype)
        else:
            value = _multiply(site, value, weights, axis.index, len(axes))
    if value is not None and reaches_out and attribute(node, "extrapolation_value", 0.0) != 0:
        value = _extrapolate(site, value, axes, dtype)
    if value is None or value is site[0]:
        bypass(node)
    else:
        site.replace(value)
    return True


def _extrapolate(site: Site, value: ir.Value, axes: Sequence[Axis], dtype: ir.DataType) -> ir.Value:
    """Insert the value that elements outside of the region get."""
    mask = np.zeros((1,) * len(axes), bool)
    for axis in axes:
        shape = [-1 if axis.index == other.index else 1 for other in axes]
        mask = mask | outside(site.node, axis).reshape(shape)
    where = site.constant(mask, "outside", ir.DataType.BOOL)
    number = attribute(site.node, "extrapolation_value", 0.0)
    return site.add(
        "Where", [where, site.constant(number, "extrapolation", dtype), value], dtype=dtype
    )


def _multiply(
    site: Site, value: ir.Value | None, weights: Floats, axis: int, rank: int
) -> ir.Value:
    """Insert the product of a matrix and all vectors along an axis."""
    dtype = site.node.outputs[0].dtype or ir.DataType.FLOAT
    last = axis == rank - 1
    perm = [*range(rank)]
    if not last and axis != rank - 2:
        perm[axis], perm[-2] = perm[-2], perm[axis]
        value = site.add("Transpose", [value], perm=perm, dtype=dtype)
    factor = site.constant(weights.T if last else weights, "weights", dtype)
    add_history(factor, f"weights of a Resize in mode {attribute(site.node, 'mode', 'nearest')}")
    value = site.add("MatMul", [value, factor] if last else [factor, value], dtype=dtype)
    if perm != [*range(rank)]:
        value = site.add("Transpose", [value], perm=perm, dtype=dtype)
    return value
