"""Reshapes of what was reshaped before."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, integers, operand, rank_of
from ...compiler.ir.provenance import inherit
from ...compiler.ir.sizes.analysis import Sizes
from ...compiler.ir.sizes.inference import analyse, is_open
from ..base import graph_pass
from ..rewrite import Names, Site, only_source, set_inputs

RESHAPES = frozenset(("Reshape", "Flatten", "Squeeze", "Unsqueeze"))
"""Operators that give the same elements another shape."""


@graph_pass(after=("infer_shapes",))
def join_reshapes(graph: ir.Graph) -> int:
    """Let a Reshape to a known shape read what was there before another reshape.

    An Unsqueeze reads what was there before another one, for this node alone.
    """
    joined = 0
    names = Names(graph)
    sizes = analyse(graph) if is_open(graph) else None
    for node in graph:
        while (before := _unsqueeze_before(node)) is not None:
            axes = _axes_of_both(before, node)
            inherit([node], [before, node])
            set_inputs(node, before.inputs[0], Site(node, names).ints(axes, "axes"))
            graph.remove(before, safe=True)
            joined += 1
        if node.domain or node.op_type != "Reshape" or not _is_absolute(node, sizes):
            continue
        while (before := only_source(node, *RESHAPES)) is not None:
            inherit([node], [before, node])
            node.replace_input_with(0, before.inputs[0])
            graph.remove(before, safe=True)
            joined += 1
    return joined


def _unsqueeze_before(node: ir.Node) -> ir.Node | None:
    """Return the Unsqueeze whose result an Unsqueeze alone reads, if the axes of both are known."""
    if node.domain or node.op_type != "Unsqueeze":
        return None
    before = only_source(node, "Unsqueeze")
    if before is None or rank_of(before.outputs[0]) is None:
        return None
    both = integers(operand(node, 1)), integers(operand(before, 1))
    return None if None in both else before


def _axes_of_both(before: ir.Node, node: ir.Node) -> list[int]:
    """Return the axes that two Unsqueezes in a row put in, of the result of both."""
    axes, inner = integers(operand(node, 1)) or (), integers(operand(before, 1)) or ()
    rank = rank_of(before.outputs[0]) or 0
    whole = rank + len(axes)
    new = {axis_of(axis, whole) for axis in axes}
    old = [axis for axis in range(whole) if axis not in new]
    return sorted({*new, *(old[axis_of(axis, rank)] for axis in inner)})


def _is_absolute(node: ir.Node, sizes: Sizes | None) -> bool:
    """Tell whether the shape does not depend on that of the first input."""
    source = operand(node, 1)
    shape = integers(source) if sizes is None else sizes.integers(source)
    return shape is not None and (0 not in shape or attribute(node, "allowzero", 0) == 1)
