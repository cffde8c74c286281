"""Masks that show everything."""

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from ...compiler.ir.dim_bounds import bounds
from ...compiler.ir.dims import Size, multiply
from ...compiler.ir.graph import is_constant, operand, small_constant
from ...compiler.ir.provenance import KEY
from ...compiler.ir.sizes.analysis import Sizes, known_shape
from ...compiler.ir.sizes.grids import LARGEST, grid_of
from ...compiler.ir.sizes.inference import analyse
from ..base import graph_pass
from ..rewrite import set_inputs, sites
from ..size_vectors import size_vector

DEEPEST = 8
"""Most operators between a mask and what makes it true."""

MOVERS = frozenset(("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Transpose"))
"""Operators that move elements."""


@graph_pass(after=("infer_shapes", "fold_constants"))
def drop_true(graph: ir.Graph) -> int:
    """Replace `mask & true` by the mask, broadcast to the shape of both.

    Transformers join the masks of causality, windows and padding; of those that are not asked for
    the exporters leave such as `positions >= 0`.
    """
    dropped = 0
    sizes: Sizes | None = None
    for site in sites(graph, "And"):
        shape = known_shape(site.node.outputs[0])
        if shape is None:
            continue
        sizes = sizes or analyse(graph)
        for mask, other in ((site[0], site[1]), (site[1], site[0])):
            if mask is None or other is None or not is_true(other, sizes):
                continue
            wanted = size_vector(site, shape, [mask, other])
            if wanted is None:
                continue
            site.node.op_type = "Expand"
            set_inputs(site.node, mask, wanted)
            dropped += 1
            break
    return dropped


def is_true(value: ir.Value | None, sizes: Sizes, depth: int = DEEPEST) -> bool:
    """Tell whether all elements of a mask are surely true."""
    if value is None or value.dtype is not ir.DataType.BOOL:
        return False
    if is_constant(value):
        array = None if KEY in value.metadata_props else small_constant(value, LARGEST)
        return array is not None and bool(np.all(array))
    node = value.producer()
    if node is None or node.domain or not depth:
        return False
    if node.op_type in MOVERS:
        return is_true(operand(node, 0), sizes, depth - 1)
    if node.op_type == "And":
        return all(is_true(operand(node, index), sizes, depth - 1) for index in (0, 1))
    compare = COMPARISONS.get(node.op_type)
    if compare is None:
        return False
    (low, high), (least, most) = (_range(operand(node, index), sizes) for index in (0, 1))
    return compare(low, high, least, most)


Range = tuple[int | None, int | None]
Compare = Callable[[int | None, int | None, int | None, int | None], bool]


def _range(value: ir.Value | None, sizes: Sizes) -> Range:
    """Return the smallest and the largest element of a tensor of integers, where they are known."""
    grid = grid_of(value, sizes)
    if grid is None or 0 in grid.shape:
        return None, None
    low, high = bounds(grid.start)
    for axis in grid.axes:
        ends: list[Size] = [0, multiply(grid.steps[axis], grid.shape[axis] + -1)]
        lows, highs = zip(*map(bounds, ends), strict=True)
        low = None if low is None or None in lows else low + min(n for n in lows if n is not None)
        high = (
            None if high is None or None in highs else high + max(n for n in highs if n is not None)
        )
    return low, high


def _less(below: int | None, above: int | None, margin: int) -> bool:
    return below is not None and above is not None and below + margin <= above


COMPARISONS: dict[str, Compare] = {
    "GreaterOrEqual": lambda low, _high, _least, most: _less(most, low, 0),
    "Greater": lambda low, _high, _least, most: _less(most, low, 1),
    "LessOrEqual": lambda _low, high, least, _most: _less(high, least, 0),
    "Less": lambda _low, high, least, _most: _less(high, least, 1),
}
"""Of the ranges of two operands, whether a comparison always holds."""
