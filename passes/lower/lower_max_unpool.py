"""Maxima put back where they were."""

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, integers, operand, shape_of
from ..base import graph_pass
from ..rewrite import Site, sites


@graph_pass(after=("fold_constants",))
def lower_max_unpool(graph: ir.Graph) -> int:
    """Write MaxUnpool as a ScatterElements into zeros, by its indices, and a Reshape.

    ops.max_unpool2d of MindSpore 2.10 counts indices within a channel, ONNX through the tensor.
    """
    return sum(_lower(site) for site in sites(graph, "MaxUnpool"))


def _lower(site: Site) -> bool:
    node, shape = site.node, shape_of(operand(site.node, 0))
    result = shape_of(node.outputs[0]) or integers(site[2])
    if shape is None or result is None or len(result) != len(shape):
        return False
    dtype = node.outputs[0].dtype or ir.DataType.FLOAT
    full = (*shape[:2], *_unpooled(node, shape[2:]))
    flat = site.ints([-1], "flat")
    values = site.add("Reshape", [site[0], flat], dtype=dtype)
    indices = site.add("Reshape", [site[1], flat], dtype=ir.DataType.INT64)
    sizes = site.ints([math.prod(full)], "count")
    zero = site.constant(np.zeros(()), "zero", dtype)
    zeros = site.add("Expand", [zero, sizes], dtype=dtype)
    put = site.add("ScatterElements", [zeros, indices, values], dtype=dtype, axis=0)
    image = site.add("Reshape", [put, site.ints(full, "shape")], dtype=dtype)
    if full != result:  # indices count in the size that the window gives
        pads = [0] * len(full) + [size - old for size, old in zip(result, full, strict=True)]
        image = site.add("Pad", [image, site.ints(pads, "pads")], dtype=dtype)
    site.replace(image)
    return True


def _unpooled(node: ir.Node, sizes: Sequence[int]) -> list[int]:
    """Return the sizes from which a pool of these windows makes `sizes`."""
    rank = len(sizes)
    kernel = attribute(node, "kernel_shape", (1,) * rank)
    strides = attribute(node, "strides", (1,) * rank)
    pads = attribute(node, "pads", (0,) * (2 * rank))
    return [
        (size - 1) * strides[i] + kernel[i] - pads[i] - pads[i + rank]
        for i, size in enumerate(sizes)
    ]
