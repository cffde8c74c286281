"""Gathers that take everything in order."""

import onnx_ir as ir

from ...compiler.ir.dims import product
from ...compiler.ir.graph import attribute, axis_of, operand
from ...compiler.ir.sizes.analysis import Sizes, known_shape
from ...compiler.ir.sizes.grids import grid_of
from ...compiler.ir.sizes.inference import analyse
from ..base import graph_pass
from ..rewrite import set_inputs, sites
from ..size_vectors import size_vector


@graph_pass(after=("infer_shapes", "fold_constants"))
def reshape_gather(graph: ir.Graph) -> int:
    """Replace a Gather by the indices 0, 1, 2 … of all of an axis by a Reshape.

    So the dynamo exporter writes as_strided of a tensor that is contiguous already, and the legacy
    one a mask that is read at the positions `row * length + column`.
    """
    replaced = 0
    sizes: Sizes | None = None
    for site in sites(graph, "Gather"):
        node = site.node
        if not known_shape(operand(node, 1)) or not _is_read_whole(node):
            continue
        sizes = sizes or analyse(graph)
        grid, shape = grid_of(operand(node, 1), sizes), known_shape(node.outputs[0])
        if grid is None or shape is None or 0 in shape or not grid.counts_all():
            continue
        sources = [value for value in node.inputs[:2] if value is not None]
        wanted = size_vector(site, shape, sources)
        if wanted is None:
            continue
        node.op_type = "Reshape"
        node.attributes.clear()
        set_inputs(node, site[0], wanted)
        replaced += 1
    return replaced


def _is_read_whole(node: ir.Node) -> bool:
    """Tell whether there are as many indices as elements on the axis."""
    source, indices = known_shape(operand(node, 0)), known_shape(operand(node, 1))
    if not source or indices is None:
        return False
    return product(indices) == source[axis_of(attribute(node, "axis", 0), len(source))]
