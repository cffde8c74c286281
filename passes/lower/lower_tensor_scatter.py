"""Writing into a cache of keys or values."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site

INT64 = ir.DataType.INT64


@graph_pass(after=("infer_shapes",))
def lower_tensor_scatter(graph: ir.Graph) -> int:
    """Write TensorScatter as ScatterElements at the written places of each sample's sequence."""
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        cache, update = shape_of(operand(node, 0)), shape_of(operand(node, 1))
        if node.domain or node.op_type != "TensorScatter" or cache is None or update is None:
            continue
        _lower(Site(node, names), cache, update)
        lowered += 1
    return lowered


def _lower(site: Site, cache: tuple[int, ...], update: tuple[int, ...]) -> None:
    node, rank = site.node, len(cache)
    axis = axis_of(attribute(node, "axis", -2), rank)
    shape = [1] * rank
    shape[axis] = update[axis]
    places = site.constant([*range(update[axis])], "places", INT64)
    places = site.add("Reshape", [places, site.ints(shape, "along")], dtype=INT64)
    if site[2] is not None:
        first = [update[0], *[1] * (rank - 1)]
        begins = site.add("Cast", [site[2]], to=int(INT64), dtype=INT64)
        begins = site.add("Reshape", [begins, site.ints(first, "samples")], dtype=INT64)
        places = site.add("Add", [begins, places], dtype=INT64)
    if attribute(node, "mode", "linear") == "circular":
        places = site.add("Mod", [places, site.constant(cache[axis], "size", INT64)], dtype=INT64)
    places = site.add("Expand", [places, site.ints(update, "shape")], dtype=INT64)
    site.replace(
        site.add(
            "ScatterElements", [site[0], places, site[1]], axis=axis, dtype=node.outputs[0].dtype
        )
    )
