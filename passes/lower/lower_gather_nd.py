"""Gathers of slices within each element of a batch."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, constant, operand, rank_of, shape_of
from ..base import graph_pass
from ..ramps import coordinates
from ..rewrite import Names, Site, set_attribute, set_inputs

INT64 = ir.DataType.INT64


@graph_pass(after=("infer_shapes",))
def lower_gather_nd(graph: ir.Graph) -> int:
    """Write a GatherND with batch dimensions as one whose indices name the element of the batch.

    ops.gather_nd of MindSpore 2.10 knows no batch dimensions.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        batch, rank = attribute(node, "batch_dims", 0), rank_of(operand(node, 1))
        if node.domain or node.op_type != "GatherND" or not batch or rank is None:
            continue
        site = Site(node, names)
        set_inputs(node, site[0], _named(site, batch, rank))
        set_attribute(node, "batch_dims", 0)
        lowered += 1
    return lowered


def _named(site: Site, batch: int, rank: int) -> ir.Value:
    """Return the indices with those of the batch before them."""
    shape, known = shape_of(site[1]), constant(site[1])
    if shape is None:
        rows = site.add("Shape", [site[1]], start=0, end=rank - 1, dtype=INT64)
        rows.shape = ir.Shape([rank - 1])
        wanted = site.add("Concat", [rows, site.ints([1], "one")], axis=0, dtype=INT64)
        numbers = [
            site.add("Expand", [coordinates(site, site[1], axis, rank), wanted], dtype=INT64)
            for axis in range(batch)
        ]
        return site.add("Concat", [*numbers, site[1]], axis=-1, dtype=INT64)
    site.afford(*shape)
    places = np.moveaxis(np.indices(shape[:-1])[:batch], 0, -1)
    if known is not None:
        joined = np.concatenate([places, known.astype(np.int64)], axis=-1)
        return site.constant(joined, "indices", INT64)
    return site.add(
        "Concat", [site.constant(places, "batch", INT64), site[1]], axis=-1, dtype=INT64
    )
