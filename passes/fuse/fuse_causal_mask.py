"""Masks that keep each query from the keys behind it."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.sizes.analysis import Sizes, known_shape, written
from ...compiler.ir.sizes.grids import Grid, grid_of
from ...compiler.ir.sizes.inference import analyse
from ..base import graph_pass
from ..rewrite import Site, set_attribute, set_inputs, sites, tensor_of
from ..shapes.drop_expand import BROADCASTING
from ..size_vectors import size_vector

SMALLER = {
    "LessOrEqual": (0, 1, 0),
    "GreaterOrEqual": (1, 0, 0),
    "Less": (0, 1, -1),
    "Greater": (1, 0, -1),
}
"""Comparisons to which operand is the smaller one, which the larger, and the last diagonal."""


@graph_pass(after=("infer_shapes", "fold_constants"))
def fuse_causal_mask(graph: ir.Graph) -> int:
    """Replace keys <= queries, both counted from 0, by the lower triangle of ones.

    So transformers tell which keys a query sees.
    """
    fused = 0
    sizes: Sizes | None = None
    for site in sites(graph, *SMALLER):
        sizes = sizes or analyse(graph)
        smaller, larger, diagonal = SMALLER[site.node.op_type]
        keys, queries = grid_of(site[smaller], sizes), grid_of(site[larger], sizes)
        if keys is not None and queries is not None and _is_triangle(keys, queries):
            fused += _fuse(site, diagonal)
    return fused


def _is_triangle(keys: Grid, queries: Grid) -> bool:
    """Tell whether keys go on along the last axis, queries along the one before."""
    starts = keys.start == queries.start == 0
    return starts and _counts(keys, -1) and _counts(queries, -2)


def _counts(grid: Grid, place: int) -> bool:
    """Tell whether a grid counts along one axis alone, and has no other."""
    axes = [axis - len(grid.shape) for axis in grid.axes]
    return axes == [place] and grid.steps[place] == 1


def _fuse(site: Site, diagonal: int) -> bool:
    node, result = site.node, site.node.outputs[0]
    shape = known_shape(result)
    sources = [value for value in node.inputs if value is not None]
    wanted = None if shape is None else size_vector(site, shape[-2:], sources)
    if shape is None or wanted is None or len(shape) < 2:
        return False
    triangle = written(shape[-2:])
    ones = site.add("ConstantOfShape", [wanted], dtype=ir.DataType.BOOL)
    ones.shape, maker = triangle, ones.producer()
    assert maker is not None, "it was made here"
    maker.attributes["value"] = ir.AttrTensor("value", tensor_of(np.ones(1, np.bool_)))
    given = [ones]
    if diagonal:
        given.append(site.constant(diagonal, "diagonal", ir.DataType.INT64))
    new_axes = list(range(len(shape) - 2))
    broadcast = all(_broadcasts(user, len(shape)) for user in result.consumers())
    if new_axes and (result.is_graph_output() or not broadcast):
        lower = site.add("Trilu", given, upper=0, dtype=ir.DataType.BOOL)
        lower.shape = triangle
        node.op_type = "Unsqueeze"
        set_inputs(node, lower, site.ints(new_axes, "axes"))
        return True
    node.op_type = "Trilu"
    set_inputs(node, *given)
    set_attribute(node, "upper", 0)
    result.shape = triangle
    return True


def _broadcasts(reader: ir.Node, rank: int) -> bool:
    """Tell whether a reader gives a result of the same rank without the first axes of ones."""
    ranks = [len(value.shape) for value in reader.inputs if value is not None and value.shape]
    return not reader.domain and reader.op_type in BROADCASTING and ranks.count(rank) > 1
