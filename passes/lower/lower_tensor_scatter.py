"""Writing into a cache of keys or values."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import Site, sites

INT64 = ir.DataType.INT64


@graph_pass(after=("infer_shapes",))
def lower_tensor_scatter(graph: ir.Graph) -> int:
    """Write TensorScatter as ScatterElements at the written places of each sample's sequence."""
    lowered = 0
    for site in sites(graph, "TensorScatter"):
        rank = rank_of(site[0])
        if rank is not None:
            _lower(site, rank)
            lowered += 1
    return lowered


def _lower(site: Site, rank: int) -> None:
    node = site.node
    axis = axis_of(attribute(node, "axis", -2), rank)
    shape = [1] * rank
    shape[axis] = -1
    places = site.add("Reshape", [_places(site, axis), site.ints(shape, "along")], dtype=INT64)
    if site[2] is not None:
        first = [-1, *[1] * (rank - 1)]
        begins = site.add("Cast", [site[2]], to=int(INT64), dtype=INT64)
        begins = site.add("Reshape", [begins, site.ints(first, "samples")], dtype=INT64)
        places = site.add("Add", [begins, places], dtype=INT64)
    if attribute(node, "mode", "linear") == "circular":
        places = site.add("Mod", [places, _size(site, 0, axis)], dtype=INT64)
    update = shape_of(site[1])
    if update is None:
        sizes = site.add("Shape", [site[1]], dtype=INT64)
    else:
        sizes = site.ints(update, "shape")
    places = site.add("Expand", [places, sizes], dtype=INT64)
    site.replace(
        site.add(
            "ScatterElements", [site[0], places, site[1]], axis=axis, dtype=node.outputs[0].dtype
        )
    )


def _places(site: Site, axis: int) -> ir.Value:
    """Return 0, 1, 2 … for as many elements as are written along the axis."""
    update = shape_of(site[1])
    if update is not None:
        site.afford(update[axis])
        return site.constant([*range(update[axis])], "places", INT64)
    start, step = (site.constant(number, "number", INT64) for number in (0, 1))
    return site.add("Range", [start, _size(site, 1, axis), step], dtype=INT64)


def _size(site: Site, index: int, axis: int) -> ir.Value:
    """Return a dimension of an input."""
    shape = shape_of(site[index])
    if shape is not None:
        return site.constant(shape[axis], "size", INT64)
    return site.size(site[index], axis)
