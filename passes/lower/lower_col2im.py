"""Blocks summed back into an image."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, integers, operand, shape_of
from ..base import graph_pass
from ..rewrite import Site, sites

PLANE = 2


@dataclass(frozen=True)
class Blocks:
    """Where the blocks of an image lie.

    Attributes:
        image: Sizes of the image.
        block: Sizes of a block.
        dilations: Distance of its elements.
        pads: Elements around the image that blocks reach, all starts, then all ends.
        strides: Distance of blocks.
    """

    image: tuple[int, ...]
    block: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def padded(self) -> tuple[int, ...]:
        """Sizes of the image with its pads."""
        rank = len(self.image)
        return tuple(s + self.pads[i] + self.pads[i + rank] for i, s in enumerate(self.image))

    def indices(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        """Return where in the padded image each element of each block goes, one after another."""
        axes = [
            np.arange(block)[:, None] * dilation
            + np.arange((size - (block - 1) * dilation - 1) // stride + 1) * stride
            for block, dilation, size, stride in zip(
                self.block, self.dilations, self.padded, self.strides, strict=True
            )
        ]
        places = [
            np.ravel_multi_index(
                np.meshgrid(*(axis[i] for axis, i in zip(axes, tap, strict=True)), indexing="ij"),
                self.padded,
            ).reshape(-1)
            for tap in itertools.product(*map(range, self.block))
        ]
        return np.concatenate(places)


@graph_pass(after=("fold_constants",))
def lower_col2im(graph: ir.Graph) -> int:
    """Write Col2Im of other than planes as a ScatterElements that adds, pads cut off after.

    ops.fold of MindSpore 2.10 is for planes.
    """
    lowered = 0
    for site in sites(graph, "Col2Im"):
        blocks = blocks_of(site.node)
        if blocks is not None and len(blocks.image) != PLANE:
            lowered += _lower(site, blocks)
    return lowered


def blocks_of(node: ir.Node) -> Blocks | None:
    """Return where the blocks of a Col2Im lie; None if that is computed."""
    image, block = integers(operand(node, 1)), integers(operand(node, 2))
    if image is None or block is None:
        return None
    ones = (1,) * len(image)
    return Blocks(
        image,
        block,
        attribute(node, "dilations", ones),
        attribute(node, "pads", (0,) * (2 * len(image))),
        attribute(node, "strides", ones),
    )


def _lower(site: Site, blocks: Blocks) -> bool:
    shape = shape_of(site[0])
    dtype = site.node.outputs[0].dtype or ir.DataType.FLOAT
    if shape is None:
        return False
    planes = shape[0] * shape[1] // math.prod(blocks.block)
    site.afford(planes, *blocks.block, *blocks.padded)
    taps = blocks.indices()
    flat = site.add("Reshape", [site[0], site.ints([planes, -1], "flat")], dtype=dtype)
    indices = site.constant(np.broadcast_to(taps, (planes, taps.size)), "indices",
                            ir.DataType.INT64)  # fmt: skip
    zero = site.constant(0, "zero", dtype)
    sizes = site.ints([planes, math.prod(blocks.padded)], "sizes")
    zeros = site.add("Expand", [zero, sizes], dtype=dtype)
    inputs = [zeros, indices, flat]
    summed = site.add("ScatterElements", inputs, dtype=dtype, axis=1, reduction="add")
    full = [shape[0], planes // shape[0], *blocks.padded]
    image = site.add("Reshape", [summed, site.ints(full, "shape")], dtype=dtype)
    if any(blocks.pads):
        rank = len(blocks.image)
        starts = blocks.pads[:rank]
        ends = [start + size for start, size in zip(starts, blocks.image, strict=True)]
        bounds = {"starts": starts, "ends": ends, "axes": range(2, rank + 2)}
        cuts = [site.ints(list(numbers), role) for role, numbers in bounds.items()]
        image = site.add("Slice", [image, *cuts], dtype=dtype)
    site.replace(image)
    return True
