"""Indices that MindSpore numbers or types in its own way."""

import math

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, rank_of, shape_of
from ..base import graph_pass
from ..ramps import coordinates, product, ramp
from ..rewrite import Names, Site, set_attribute, set_inputs

INT64 = ir.DataType.INT64


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
            Site(node, names).follow("Cast", output=1, to=int(INT64))
            lowered += 1
        if node.op_type == "MaxPool" and not _is_only(readers, "Mod"):
            lowered += _number_through(Site(node, names))
    return lowered


def _is_read(value: ir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()


def _is_only(readers: list[ir.Node], op_type: str) -> bool:
    return [reader.op_type for reader in readers] == [op_type]


def _number_through(site: Site) -> bool:
    rank = rank_of(site[0])
    columns = bool(attribute(site.node, "storage_order", 0))
    if rank is None or rank < 3 or (columns and rank != 4):
        return False
    shape = shape_of(site[0])
    begins, size, table = _open_sizes(site, rank) if shape is None else _sizes(site, shape)
    site.follow("Add", begins, output=1)
    if columns:
        site.node.attributes.pop("storage_order")
        site.follow("Identity", output=1)
        (reader,) = (use.node for use in site.node.outputs[1].uses())
        reader.op_type = "Gather"
        set_attribute(reader, "axis", 0)
        set_inputs(reader, table, site.node.outputs[1])
    site.follow("Mod", size, output=1)
    return True


def _sizes(site: Site, shape: tuple[int, ...]) -> tuple[ir.Value, ir.Value, ir.Value | None]:
    """Return where each channel begins, its size, and h W + w to w H + h."""
    planes, size = shape[:2], math.prod(shape[2:])
    site.afford(math.prod(shape) if attribute(site.node, "storage_order", 0) else math.prod(planes))
    begins = np.arange(math.prod(planes)).reshape(*planes, *(1 for _ in shape[2:])) * size
    table = None
    if attribute(site.node, "storage_order", 0):
        height, width = shape[2:]
        by_columns = np.arange(height)[:, None] + np.arange(width)[None, :] * height
        table = site.constant(by_columns.reshape(-1), "columns", INT64)
    return site.constant(begins, "begins", INT64), site.constant(size, "channel", INT64), table


def _open_sizes(site: Site, rank: int) -> tuple[ir.Value, ir.Value, ir.Value | None]:
    """Return the same where the sizes are open."""
    sizes = [site.size(site[0], axis) for axis in range(rank)]
    size = product(site, sizes[2:])
    samples, channels = (coordinates(site, site[0], axis, rank) for axis in (0, 1))
    above = site.add("Mul", [samples, sizes[1]], dtype=INT64)
    planes = site.add("Add", [above, channels], dtype=INT64)
    table = None
    if attribute(site.node, "storage_order", 0):
        rows = ramp(site, sizes[2], [-1, 1])
        columns = site.add("Mul", [ramp(site, sizes[3]), sizes[2]], dtype=INT64)
        both = site.add("Add", [rows, columns], dtype=INT64)
        table = site.add("Reshape", [both, site.ints([-1], "line")], dtype=INT64)
    return site.add("Mul", [planes, size], dtype=INT64), size, table
