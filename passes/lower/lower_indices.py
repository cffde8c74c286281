"""Indices that MindSpore numbers or types in its own way."""

import math

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site, set_attribute, set_inputs


@graph_pass(after=("infer_shapes",))
def lower_indices(graph: ir.Graph) -> int:
    """Write out what makes MindSpore's indices ONNX's, and changes nothing in ONNX.

    TopK's are int32 in MindSpore (2.10): a Cast to int64. MaxPool's count within a channel there,
    in ONNX through the whole tensor: their rest by the size of a channel, plus where it begins.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or len(node.outputs) < 2 or not _is_read(node.outputs[1]):
            continue
        readers = [use.node for use in node.outputs[1].uses()]
        if node.op_type == "TopK" and not _is_only(readers, "Cast"):
            Site(node, names).follow("Cast", output=1, to=int(ir.DataType.INT64))
            lowered += 1
        if node.op_type == "MaxPool" and not _is_only(readers, "Mod"):
            lowered += _number_through(Site(node, names))
    return lowered


def _is_read(value: ir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()


def _is_only(readers: list[ir.Node], op_type: str) -> bool:
    return [reader.op_type for reader in readers] == [op_type]


def _number_through(site: Site) -> bool:
    shape = shape_of(operand(site.node, 0))
    columns = bool(attribute(site.node, "storage_order", 0))
    if shape is None or (columns and len(shape) != 4):
        return False
    planes, size = shape[:2], math.prod(shape[2:])
    begins = np.arange(math.prod(planes)).reshape(*planes, *(1 for _ in shape[2:])) * size
    site.follow("Add", site.constant(begins, "begins", ir.DataType.INT64), output=1)
    if columns:
        site.node.attributes.pop("storage_order")
        _by_columns(site, height=shape[2], width=shape[3])
    site.follow("Mod", site.constant(size, "channel", ir.DataType.INT64), output=1)
    return True


def _by_columns(site: Site, *, height: int, width: int) -> None:
    """Number the places of a plane by columns: h W + w becomes w H + h."""
    table = np.arange(height)[:, None] + np.arange(width)[None, :] * height
    numbers = site.constant(table.reshape(-1), "columns", ir.DataType.INT64)
    site.follow("Identity", output=1)
    (reader,) = (use.node for use in site.node.outputs[1].uses())
    reader.op_type = "Gather"
    set_attribute(reader, "axis", 0)
    set_inputs(reader, numbers, site.node.outputs[1])
