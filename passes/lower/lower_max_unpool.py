"""Maxima put back where they were."""

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, integers, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import Site, sites

INT64 = ir.DataType.INT64


@graph_pass(after=("fold_constants",))
def lower_max_unpool(graph: ir.Graph) -> int:
    """Write MaxUnpool as a ScatterElements into zeros, by its indices, and a Reshape.

    ops.max_unpool2d of MindSpore 2.10 counts indices within a channel, ONNX through the tensor.
    """
    return sum(_lower(site) for site in sites(graph, "MaxUnpool"))


def _lower(site: Site) -> bool:
    node, rank = site.node, rank_of(site[0])
    if rank is None:
        return False
    dtype = node.outputs[0].dtype or ir.DataType.FLOAT
    shape, wanted = shape_of(site[0]), shape_of(node.outputs[0]) or integers(site[2])
    full = None if shape is None else (*shape[:2], *_unpooled(node, shape[2:]))
    if full is None:
        sizes = _open_sizes(site, rank)
        count = site.add("ReduceProd", [sizes], keepdims=1, dtype=INT64)
    else:
        sizes, count = site.ints(full, "shape"), site.ints([math.prod(full)], "count")
    flat = site.ints([-1], "flat")
    values = site.add("Reshape", [site[0], flat], dtype=dtype)
    indices = site.add("Reshape", [site[1], flat], dtype=INT64)
    zero = site.constant(np.zeros(()), "zero", dtype)
    zeros = site.add("Expand", [zero, count], dtype=dtype)
    put = site.add("ScatterElements", [zeros, indices, values], dtype=dtype, axis=0)
    image = site.add("Reshape", [put, sizes], dtype=dtype)
    image.shape = ir.Shape([None] * rank)
    if site[2] is not None and (full is None or full != wanted):
        # indices count in the size that the window gives
        image = site.add("Pad", [image, _behind(site, sizes, full, wanted)], dtype=dtype)
    site.replace(image)
    return True


def _behind(
    site: Site, sizes: ir.Value, full: Sequence[int] | None, wanted: Sequence[int] | None
) -> ir.Value:
    """Return pads that make of the sizes those that output_shape asks for."""
    before = [0] * (rank_of(site[0]) or 0)
    if full is not None and wanted is not None:
        more = [new - old for new, old in zip(wanted, full, strict=True)]
        return site.ints([*before, *more], "pads")
    missing = site.add("Sub", [site[2], sizes], dtype=INT64)
    pads = site.add("Concat", [site.ints(before, "before"), missing], axis=0, dtype=INT64)
    pads.shape = ir.Shape([2 * len(before)])
    return pads


def _open_sizes(site: Site, rank: int) -> ir.Value:
    """Return the sizes from which a pool of these windows makes those of the input."""
    kernel, strides, pads = _window(site.node, rank - 2)
    planes = site.add("Shape", [site[0]], start=0, end=2, dtype=INT64)
    sides = site.add("Shape", [site[0]], start=2, end=rank, dtype=INT64)
    added = [size - step - pad for size, step, pad in zip(kernel, strides, pads, strict=True)]
    steps = site.add("Mul", [sides, site.ints(strides, "strides")], dtype=INT64)
    grown = site.add("Add", [steps, site.ints(added, "added")], dtype=INT64)
    return site.add("Concat", [planes, grown], axis=0, dtype=INT64)


def _unpooled(node: ir.Node, sizes: Sequence[int]) -> list[int]:
    """Return the sizes from which a pool of these windows makes `sizes`."""
    window = zip(sizes, *_window(node, len(sizes)), strict=True)
    return [(size - 1) * stride + kernel - pad for size, kernel, stride, pad in window]


def _window(node: ir.Node, rank: int) -> tuple[Sequence[int], Sequence[int], list[int]]:
    """Return kernel, strides and the pads of both ends together."""
    pads = attribute(node, "pads", (0,) * (2 * rank))
    return (
        attribute(node, "kernel_shape", (1,) * rank),
        attribute(node, "strides", (1,) * rank),
        [before + behind for before, behind in zip(pads[:rank], pads[rank:], strict=True)],
    )
