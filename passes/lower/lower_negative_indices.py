"""Constant indices that count from the end."""

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, constant, operand, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site, set_inputs


@graph_pass(after=("fold_constants",))
def lower_negative_indices(graph: ir.Graph) -> int:
    """Count the constant indices of Gather, GatherND and ScatterND from the front.

    MindSpore 2.10: ops.gather passes no gradient to what a negative index picks, ops.gather_nd
    and ops.tensor_scatter_update refuse it. A single index is written x[-1], which is right.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type not in ("Gather", "GatherND", "ScatterND"):
            continue
        shape, indices = shape_of(operand(node, 0)), _indices(node)
        if shape is None or indices is None or indices.min(initial=0) >= 0:
            continue
        if node.op_type == "Gather" and rank_of(operand(node, 1)) == 0:
            continue
        if node.op_type == "Gather":
            sizes = np.array(shape[axis_of(attribute(node, "axis", 0), len(shape))])
        else:
            batch = attribute(node, "batch_dims", 0)
            sizes = np.array(shape[batch : batch + indices.shape[-1]])
        site = Site(node, names)
        wanted = np.where(indices < 0, indices + sizes, indices)
        counted = site.constant(wanted, "indices", ir.DataType.INT64)
        set_inputs(node, site[0], counted, *node.inputs[2:])
        lowered += 1
    return lowered


def _indices(node: ir.Node) -> npt.NDArray[np.int64] | None:
    array = constant(operand(node, 1))
    return None if array is None else array.astype(np.int64)
