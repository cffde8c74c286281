"""Pixels of patches that become channels, taken by strided slices."""

import math
from itertools import permutations, product

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, integers, operand
from ...compiler.ir.sizes.analysis import known_shape, written
from ..base import graph_pass
from ..rewrite import Site, set_inputs, sites
from ..size_vectors import size_vector

Offsets = dict[int, tuple[int, int]]
"""By axis: where a strided slice begins, and its step."""


@graph_pass(after=("infer_shapes", "fold_constants"))
def fuse_patches(graph: ir.Graph) -> int:
    """Replace a Concat of x[:, i::2, j::2] for all i and j by Reshape, Transpose and Reshape.

    So Swin merges patches, and YOLO's Focus takes pixels for channels.
    """
    return sum(map(_fuse, sites(graph, "Concat")))


def _fuse(site: Site) -> bool:
    node = site.node
    slices = [_slice_of(value) for value in node.inputs]
    source = slices[0][0] if slices[0] is not None else None
    shape, rank = known_shape(source), len(known_shape(source) or ())
    if source is None or shape is None or len(slices) < 4:
        return False
    parts = [found[1] for found in slices if found is not None and found[0] is source]
    axes = sorted({axis for part in parts for axis in part})
    joined = axis_of(attribute(node, "axis", 0), rank)
    steps = {axis: {part[axis][1] for part in parts if axis in part} for axis in axes}
    if len(parts) != len(slices) or joined in axes or any(len(s) != 1 for s in steps.values()):
        return False
    step = {axis: next(iter(found)) for axis, found in steps.items()}
    for axis in axes:
        size = shape[axis]
        if not isinstance(size, int) or size % step[axis]:
            return False
    if math.prod(step.values()) != len(parts):
        return False
    starts = [tuple(part.get(axis, (0, 1))[0] for axis in axes) for part in parts]
    for order in permutations(range(len(axes))):
        counted = product(*(range(step[axes[i]]) for i in order))
        if [tuple(start[i] for i in order) for start in starts] == list(counted):
            return _rewrite(site, source, step, [axes[i] for i in order], joined)
    return False


def _slice_of(value: ir.Value | None) -> tuple[ir.Value, Offsets] | None:
    """Return of what a value is made by slices to the end, and where these begin."""
    offsets: Offsets = {}
    while value is not None and (node := value.producer()) is not None:
        if node.op_type != "Slice" or node.domain:
            break
        shape = known_shape(operand(node, 0))
        starts, ends, axes, steps = (integers(operand(node, i)) for i in range(1, 5))
        if shape is None or starts is None or ends is None or axes is None:
            return None
        for start, end, axis, step in zip(
            starts, ends, axes, steps or (1,) * len(axes), strict=True
        ):
            place = axis_of(axis, len(shape))
            size = shape[place]
            whole = isinstance(size, int) and end >= size - step + start + 1
            if place in offsets or not whole or step < 1 or not 0 <= start < step:
                return None
            if step > 1:
                offsets[place] = (start, step)
        value = operand(node, 0)
    return None if value is None or not offsets else (value, offsets)


def _rewrite(
    site: Site, source: ir.Value, step: dict[int, int], order: list[int], joined: int
) -> bool:
    """Put a Reshape, a Transpose and a Reshape in the place of the node."""
    shape, result = known_shape(source) or (), known_shape(site.node.outputs[0])
    parted = [
        part
        for axis, size in enumerate(shape)
        for part in ((size // step[axis], step[axis]) if axis in step else (size,))
    ]
    place, at = dict[int, int](), 0  # of each axis among the parted ones
    for axis in range(len(shape)):
        place[axis] = at
        at += 2 if axis in step else 1
    perm = [
        index
        for axis in range(len(shape))
        for index in (*((place[a] + 1 for a in order) if axis == joined else ()), place[axis])
    ]
    apart = size_vector(site, parted, [source])
    wanted = None if result is None else size_vector(site, result, [source])
    if apart is None or wanted is None:
        return False
    pixels = site.add("Reshape", [source, apart], dtype=source.dtype)
    pixels.shape = written(tuple(parted))
    moved = site.add("Transpose", [pixels], perm=perm, dtype=source.dtype)
    moved.shape = written(tuple(parted[index] for index in perm))
    site.node.op_type = "Reshape"
    site.node.attributes.clear()
    set_inputs(site.node, moved, wanted)
    return True
