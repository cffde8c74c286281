"""Scatters that reduce in a way that MindSpore's does not."""

import math

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site

INT64 = ir.DataType.INT64


@graph_pass(after=("infer_shapes",))
def lower_scatter_elements(graph: ir.Graph) -> int:
    """Write ScatterElements by mul, max or min as a ScatterND into all elements in line.

    ops.tensor_scatter_elements of MindSpore 2.10 replaces or adds, and no more.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "ScatterElements":
            continue
        data, updates = shape_of(operand(node, 0)), shape_of(operand(node, 1))
        if attribute(node, "reduction", "none") in ("none", "add") or not data or updates is None:
            continue
        _lower(Site(node, names), data, updates)
        lowered += 1
    return lowered


def _lower(site: Site, data: tuple[int, ...], updates: tuple[int, ...]) -> None:
    node, dtype = site.node, site.node.outputs[0].dtype or ir.DataType.FLOAT
    axis = axis_of(attribute(node, "axis", 0), len(data))
    strides = [math.prod(data[i + 1 :]) for i in range(len(data))]
    begins = sum(
        (
            coordinate * stride
            for i, (coordinate, stride) in enumerate(zip(np.indices(updates), strides, strict=True))
            if i != axis
        ),
        np.zeros(updates, np.int64),
    )
    indices = site.add("Cast", [site[1]], to=int(INT64), dtype=INT64)
    size = site.constant(data[axis], "size", INT64)
    indices = site.add("Mod", [indices, size], dtype=INT64)  # of those that count from the end
    steps = site.add("Mul", [indices, site.constant(strides[axis], "step", INT64)], dtype=INT64)
    places = site.add("Add", [steps, site.constant(begins, "begins", INT64)], dtype=INT64)
    column = site.add("Reshape", [places, site.ints([-1, 1], "column")], dtype=INT64)
    line = site.ints([-1], "line")
    flat = [site.add("Reshape", [value, line], dtype=dtype) for value in (site[0], site[2])]
    reduction = attribute(node, "reduction", "none")
    result = site.add("ScatterND", [flat[0], column, flat[1]], reduction=reduction, dtype=dtype)
    site.replace(site.add("Reshape", [result, site.ints(data, "shape")], dtype=dtype))
