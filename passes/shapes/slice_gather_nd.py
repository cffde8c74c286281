"""Elements that are read at positions which go on evenly."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, is_constant, operand, small_constant
from ...compiler.ir.sizes.analysis import Dims, Sizes, known_shape, written
from ...compiler.ir.sizes.grids import LARGEST, Grid, counted, grid_of
from ...compiler.ir.sizes.inference import analyse
from ..base import graph_pass
from ..rewrite import Site, set_inputs, sites
from ..size_vectors import size_vector


@graph_pass(after=("infer_shapes", "fold_constants"))
def slice_gather_nd(graph: ir.Graph) -> int:
    """Replace a GatherND at the positions 0, 1, 2 … of its axes by Slice and Unsqueeze.

    So the dynamo exporter writes `mask[batch[:, None], positions]`, by which transformers read the
    mask of padding; of a mask of the same batch nothing is left but the new axes.
    """
    replaced = 0
    sizes: Sizes | None = None
    for site in sites(graph, "GatherND"):
        if attribute(site.node, "batch_dims", 0) or not known_shape(site.node.outputs[0]):
            continue
        sizes = sizes or analyse(graph)
        grids = _grids(operand(site.node, 1), sizes)
        places = None if grids is None else _places(grids)
        if grids is not None and places is not None:
            replaced += _rewrite(site, grids[0].shape, places)
    return replaced


def _grids(indices: ir.Value | None, sizes: Sizes) -> list[Grid] | None:
    """Return the index into each axis as a grid."""
    if indices is None:
        return None
    if is_constant(indices):
        array = small_constant(indices, LARGEST)
        parts = [] if array is None else [counted(part) for part in np.moveaxis(array, -1, 0)]
    else:
        node, rank = indices.producer(), len(sizes.shape(indices) or ())
        joined = node is not None and node.op_type == "Concat" and not node.domain
        if node is None or not joined or attribute(node, "axis", 0) not in (-1, rank - 1):
            return None
        columns = [grid_of(value, sizes) for value in node.inputs]
        if any(column is None or column.shape[-1] != 1 for column in columns):
            return None
        parts = [Grid(c.shape[:-1], c.start, c.steps[:-1]) for c in columns if c is not None]
    known = [part for part in parts if part is not None]
    return known if known and len(known) == len(parts) else None


def _places(grids: list[Grid]) -> list[int] | None:
    """Return along which axis of the result each index counts, or None if one does otherwise."""
    places: list[int] = []
    for grid in grids:
        counting = [axis for axis in grid.axes if grid.steps[axis] != 0]
        behind = places[-1] + 1 if places else 0
        free = [i for i, size in enumerate(grid.shape) if size == 1 and i >= behind]
        if not counting and free:  # an axis of which the first element alone is taken
            counting = free[:1]
        elif [grid.steps[axis] for axis in counting] != [1]:
            return None
        if grid.start != 0 or len(counting) != 1 or counting[0] < behind:
            return None
        places += counting
    others = [size for i, size in enumerate(grids[0].shape) if i not in places]
    return places if set(others) <= {1} else None


def _rewrite(site: Site, shape: Dims, places: list[int]) -> bool:
    """Put Slice and Unsqueeze in the place of the node."""
    data, indices = site[0], site[1]
    before = known_shape(data)
    if data is None or indices is None or before is None:
        return False
    cut = [axis for axis, place in enumerate(places) if before[axis] != shape[place]]
    if cut:
        ends = size_vector(site, [shape[places[axis]] for axis in cut], [indices])
        if ends is None:
            return False
        starts, axes = site.ints([0] * len(cut), "starts"), site.ints(cut, "axes")
        data = site.add("Slice", [data, starts, ends, axes], dtype=data.dtype)
        after = [shape[places[i]] if i in cut else size for i, size in enumerate(before)]
        data.shape = written(tuple(after))
    new = [axis for axis in range(len(shape)) if axis not in places]
    node = site.node
    node.op_type = "Unsqueeze" if new else "Identity"
    node.attributes.clear()
    set_inputs(node, data, *([site.ints(new, "new_axes")] if new else []))
    return True
