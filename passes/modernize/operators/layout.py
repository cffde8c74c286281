"""Operators that move elements: shapes, axes, pads, slices."""

import numpy as np
import onnx_ir as ir

from ....compiler.ir.graph import attribute, integers, shape_of
from ...rewrite import set_attribute
from ..form import Form, reads


@reads("Reshape", versions=(1, 5, 13, 14, 19, 21, 23, 24, 25))
def reshape(form: Form) -> None:
    """Reshape; the shape was an attribute."""
    if form.version < 5:
        form.attribute_to_input("shape", 1)


@reads("Squeeze", "Unsqueeze", versions=(1, 11, 13, 21, 23, 24, 25))
def squeeze(form: Form) -> None:
    """Squeeze and Unsqueeze; the axes were an attribute."""
    if form.version < 13:
        form.attribute_to_input("axes", 1)


@reads("Concat", versions=(1, 4, 11, 13))
def concat(form: Form) -> None:
    """Concat; the axis once was 1 unless said otherwise."""
    if form.version < 4:
        form.keep("axis", 1)


@reads("Split", versions=(1, 2, 11, 13, 18))
def split(form: Form) -> None:
    """Split; the lengths were an attribute, and the number of parts that of the outputs."""
    if form.version < 13:
        form.attribute_to_input("split", 1)
    if form.version < 18 and form[1] is None:
        set_attribute(form.node, "num_outputs", len(form.node.outputs))


@reads("Slice", versions=(1, 10, 11, 13))
def slice_(form: Form) -> None:
    """Slice; starts, ends and axes were attributes."""
    if form.version < 10:
        for index, name in enumerate(("starts", "ends", "axes"), start=1):
            form.attribute_to_input(name, index)


@reads("Pad", versions=(1, 2, 11, 13, 18, 19, 21, 23, 24, 25))
def pad(form: Form) -> None:
    """Pad; pads and value were attributes."""
    if form.version >= 11:
        return
    form.attribute_to_input("paddings" if form.version < 2 else "pads", 1)
    value = form.take("value", 0.0)
    if value:
        form.give(2, form.like_input(value, "value"))


@reads("Tile", versions=(1, 6, 13))
def tile(form: Form) -> None:
    """Tile; it once repeated along a single axis."""
    if form.version >= 6:
        return
    tiles, axis = integers(form[1]), integers(form[2])
    if tiles is not None and axis is not None:  # otherwise the emitter tells of the odd operands
        repeats = np.ones(form.rank(), np.int64)
        repeats[axis[0]] = tiles[0]
        form.node.resize_inputs(2)
        form.give(1, form.ints([int(item) for item in repeats], "repeats"))


@reads("TopK", versions=(1, 10, 11, 24))
def top_k(form: Form) -> None:
    """TopK; the number was an attribute."""
    if form.version < 10:
        form.give(1, form.ints([form.take("k", 1)], "k"))


@reads("Scatter", versions=(9, 11))
def scatter(form: Form) -> None:
    """Scatter; it is called ScatterElements now."""
    form.node.op_type = "ScatterElements"


@reads("SpaceToDepth", versions=(1, 13, 28))
def space_to_depth(form: Form) -> None:
    """SpaceToDepth; since 28 it can order by column, row, depth, which the dialect cannot.

    There the places within a block, slowest in the channels before, are fastest.
    """
    shape = shape_of(form[0])
    if form.take("mode", "DCR") == "DCR":
        return
    block = attribute(form.node, "blocksize", 1)
    if shape is None:
        _turn_blocks(form, block)
        return
    n, c, h, w = shape
    source = form[0]
    dtype = source.dtype if source is not None else None
    apart = form.ints([n, c, h // block, block, w // block, block], "apart")
    blocks = form.add("Reshape", [source, apart], dtype=dtype)
    turned = form.add("Transpose", [blocks], perm=[0, 1, 3, 5, 2, 4], dtype=dtype)
    together = form.ints([n, c * block * block, h // block, w // block], "together")
    form.replace(form.add("Reshape", [turned, together], dtype=dtype))


def _turn_blocks(form: Form, block: int) -> None:
    """Exchange, behind a SpaceToDepth of open sizes, the places in a block and the channels."""
    source = form[0]
    dtype = source.dtype if source is not None else None
    depth = form.add("SpaceToDepth", [source], dtype=dtype, blocksize=block)
    last = form.add("Transpose", [depth], perm=[0, 2, 3, 1], dtype=dtype)
    blocks = form.ints([0, 0, 0, block * block, -1], "blocks")
    apart = form.add("Reshape", [last, blocks], dtype=dtype)
    turned = form.add("Transpose", [apart], perm=[0, 1, 2, 4, 3], dtype=dtype)
    channels = form.add("Reshape", [turned, form.ints([0, 0, 0, -1], "channels")], dtype=dtype)
    form.replace(form.add("Transpose", [channels], perm=[0, 3, 1, 2], dtype=dtype))


@reads("DFT", versions=(17, 20))
def dft(form: Form) -> None:
    """DFT; the axis was an attribute."""
    if form.version < 20:
        form.give(2, form.constant(form.take("axis", 1), "axis", ir.DataType.INT64))
