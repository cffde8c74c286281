"""Scatters that reduce in a way that MindSpore's does not."""

import math

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, operand, rank_of, shape_of
from ..base import graph_pass
from ..ramps import coordinates, product
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
        rank = rank_of(operand(node, 0))
        if attribute(node, "reduction", "none") in ("none", "add") or not rank:
            continue
        _lower(Site(node, names), rank)
        lowered += 1
    return lowered


def _lower(site: Site, rank: int) -> None:
    node, dtype = site.node, site.node.outputs[0].dtype or ir.DataType.FLOAT
    axis = axis_of(attribute(node, "axis", 0), rank)
    data, updates = shape_of(site[0]), shape_of(site[1])
    indices = site.add("Cast", [site[1]], to=int(INT64), dtype=INT64)
    if data is not None and updates is not None:
        places, shape = _places(site, indices, axis, data, updates), site.ints(data, "shape")
    else:
        places = _open_places(site, indices, axis, rank)
        shape = site.add("Shape", [site[0]], dtype=INT64)
    column = site.add("Reshape", [places, site.ints([-1, 1], "column")], dtype=INT64)
    line = site.ints([-1], "line")
    flat = [site.add("Reshape", [value, line], dtype=dtype) for value in (site[0], site[2])]
    reduction = attribute(node, "reduction", "none")
    result = site.add("ScatterND", [flat[0], column, flat[1]], reduction=reduction, dtype=dtype)
    site.replace(site.add("Reshape", [result, shape], dtype=dtype))


def _places(
    site: Site, indices: ir.Value, axis: int, data: tuple[int, ...], updates: tuple[int, ...]
) -> ir.Value:
    """Return where in line each update goes."""
    site.afford(len(data), *updates)
    strides = [math.prod(data[i + 1 :]) for i in range(len(data))]
    begins = sum(
        (
            coordinate * stride
            for i, (coordinate, stride) in enumerate(zip(np.indices(updates), strides, strict=True))
            if i != axis
        ),
        np.zeros(updates, np.int64),
    )
    size = site.constant(data[axis], "size", INT64)
    indices = site.add("Mod", [indices, size], dtype=INT64)  # of those that count from the end
    steps = site.add("Mul", [indices, site.constant(strides[axis], "step", INT64)], dtype=INT64)
    return site.add("Add", [steps, site.constant(begins, "begins", INT64)], dtype=INT64)


def _open_places(site: Site, indices: ir.Value, axis: int, rank: int) -> ir.Value:
    """Return the same where the sizes are open."""
    sizes = [site.size(site[0], i) for i in range(rank)]
    places = site.add("Mod", [indices, sizes[axis]], dtype=INT64)
    terms = [places if i == axis else coordinates(site, site[1], i, rank) for i in range(rank)]
    total: ir.Value | None = None
    for i, term in enumerate(terms):
        if i < rank - 1:
            term = site.add("Mul", [term, product(site, sizes[i + 1 :])], dtype=INT64)
        total = term if total is None else site.add("Add", [total, term], dtype=INT64)
    assert total is not None, "the caller has asked for an axis"
    return total
