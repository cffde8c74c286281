"""Positions that are counted, where exporters cut them off a constant."""

import onnx_ir as ir

from ...compiler.ir.graph import axis_of, integers, is_constant, small_constant
from ...compiler.ir.provenance import KEY
from ...compiler.ir.sizes.analysis import known_shape, written
from ...compiler.ir.sizes.grids import LARGEST, Grid, counted
from ..base import graph_pass
from ..rewrite import Site, set_inputs, sites

INT64 = ir.DataType.INT64


@graph_pass(after=("infer_shapes", "fold_constants"))
def count_positions(graph: ir.Graph) -> int:
    """Replace a Slice, up to an open size, of the constant 0, 1, 2 … by Range.

    Models keep the positions of the longest text in a buffer and take as many as they need. One
    that stands in PyTorch's state_dict stays.
    """
    return sum(map(_count, sites(graph, "Slice")))


def _count(site: Site) -> bool:
    data, result = site[0], site.node.outputs[0]
    shape, start = known_shape(result), integers(site[1])
    axes, steps = integers(site[3]), site[4]
    grid = None if data is None else _grid(data)
    if data is None or grid is None or shape is None or start is None or axes is None:
        return False
    if len(axes) != 1 or start[0] < 0 or (steps is not None and integers(steps) != (1,)):
        return False
    axis = axis_of(axes[0], len(shape))
    if grid.axes != [axis] or grid.steps[axis] != 1 or isinstance(shape[axis], int):
        return False
    if is_constant(site[2]) or not isinstance(grid.start, int):
        return False
    size = grid.shape[axis]
    assert isinstance(size, int), "it is a constant's"
    most = site.add("Min", [site[2], site.ints([size], "most")], dtype=INT64)
    most.shape = ir.Shape([1])
    first = grid.start
    if first:
        most = site.add("Add", [most, site.ints([first], "first")], dtype=INT64)
        most.shape = ir.Shape([1])
    limit = site.add("Squeeze", [most], dtype=INT64)
    limit.shape = ir.Shape([])
    begin = site.constant(start[0] + first, "start", INT64)
    positions = site.add("Range", [begin, limit, site.constant(1, "step", INT64)], dtype=INT64)
    positions.shape = written((shape[axis],))
    new = [other for other in range(len(shape)) if other != axis]
    site.node.op_type = "Unsqueeze" if new else "Identity"
    set_inputs(site.node, positions, *([site.ints(new, "new_axes")] if new else []))
    return True


def _grid(data: ir.Value) -> Grid | None:
    """Return a small constant that is nobody's parameter as a grid."""
    if KEY in data.metadata_props or data.dtype is not INT64:
        return None
    array = small_constant(data, LARGEST)
    return None if array is None else counted(array)
