"""Gathers of slices within each element of a batch."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, constant, operand, shape_of
from ..base import graph_pass
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
        batch, shape = attribute(node, "batch_dims", 0), shape_of(operand(node, 1))
        if node.domain or node.op_type != "GatherND" or not batch or shape is None:
            continue
        site = Site(node, names)
        numbers = np.moveaxis(np.indices(shape[:-1])[:batch], 0, -1)
        known = constant(site[1])
        if known is not None:
            joined = np.concatenate([numbers, known.astype(np.int64)], axis=-1)
            indices = site.constant(joined, "indices", INT64)
        else:
            prefix = site.constant(numbers, "batch", INT64)
            indices = site.add("Concat", [prefix, site[1]], axis=-1, dtype=INT64)
        set_inputs(node, site[0], indices)
        set_attribute(node, "batch_dims", 0)
        lowered += 1
    return lowered
