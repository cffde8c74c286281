"""Convolutions in double precision."""

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site

DOUBLE = ir.DataType.DOUBLE


@graph_pass(after=("explicit_window", "lower_conv_transpose"))
def lower_double_conv(graph: ir.Graph) -> int:
    """Write a Conv of float64 as a matrix product with the elements under each window.

    MindSpore 2.10 has no convolution of float64, and no wider type to compute it in.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Conv" or "auto_pad" in node.attributes:
            continue
        image, weight = shape_of(operand(node, 0)), shape_of(operand(node, 1))
        if node.outputs[0].dtype != DOUBLE or image is None or weight is None:
            continue
        _lower(Site(node, names), image, weight)
        lowered += 1
    return lowered


def _lower(site: Site, image: Sequence[int], weight: Sequence[int]) -> None:
    node, rank = site.node, len(image) - 2
    pads: tuple[int, ...] = attribute(node, "pads", (0,) * (2 * rank))
    value, sizes = site[0], list(image[2:])
    if any(pads):
        sides = site.ints([0, 0, *pads[:rank], 0, 0, *pads[rank:]], "pads")
        value = site.add("Pad", [value, sides], mode="constant", dtype=DOUBLE)
        sizes = [size + pads[i] + pads[i + rank] for i, size in enumerate(sizes)]
    site.afford(*weight[2:], *sizes)
    places, output = _places(node, sizes, weight[2:])
    group, outputs, inner = attribute(node, "group", 1), weight[0], weight[1] * len(places)

    def shaped(source: ir.Value | None, shape: Sequence[int], role: str) -> ir.Value:
        return site.add("Reshape", [source, site.ints(shape, role)], dtype=DOUBLE)

    line = shaped(value, [-1, image[1], math.prod(sizes)], "line")
    under = site.add(
        "Gather", [line, site.constant(places, "places", ir.DataType.INT64)], axis=2, dtype=DOUBLE
    )
    columns = shaped(under, [-1, group, inner, math.prod(output)], "columns")
    rows = shaped(site[1], [group, outputs // group, inner], "rows")
    product = site.add("MatMul", [rows, columns], dtype=DOUBLE)
    result = shaped(product, [-1, outputs, *output], "shape")
    if site[2] is not None:
        column = shaped(site[2], [outputs, *(1 for _ in output)], "bias")
        result = site.add("Add", [result, column], dtype=DOUBLE)
    site.replace(result)


def _places(
    node: ir.Node, sizes: Sequence[int], kernel: Sequence[int]
) -> tuple["np.ndarray[tuple[int, ...], np.dtype[np.int64]]", list[int]]:
    """Return for each element of the kernel where in the image it lies, for each of the output."""
    rank = len(sizes)
    strides: tuple[int, ...] = attribute(node, "strides", (1,) * rank)
    dilations: tuple[int, ...] = attribute(node, "dilations", (1,) * rank)
    output = [
        (size - (k - 1) * dilation - 1) // stride + 1
        for size, k, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    places = np.zeros((1, 1), np.int64)
    for axis in range(rank):
        taken = np.arange(kernel[axis])[:, None] * dilations[axis]
        taken = taken + np.arange(output[axis])[None, :] * strides[axis]
        places = places[:, None, :, None] * sizes[axis] + taken[None, :, None, :]
        places = places.reshape(places.shape[0] * places.shape[1], -1)
    return places, output
