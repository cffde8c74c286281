"""Slices of slices along other axes."""

import onnx_ir as ir

from ...compiler.ir.graph import axis_of, integers, operand, rank_of
from ...compiler.ir.provenance import inherit
from ..base import graph_pass
from ..rewrite import only_source, set_inputs, sites

INT64 = ir.DataType.INT64


@graph_pass(after=("infer_shapes", "fold_constants"))
def join_slices(graph: ir.Graph) -> int:
    """Replace a Slice of a Slice along other axes by one: x[:, :3][:, :, 1:] is x[:, :3, 1:]."""
    joined = 0
    for site in sites(graph, "Slice"):
        inner = only_source(site.node, "Slice")
        first, second = (None if node is None else _cuts(node) for node in (inner, site.node))
        if inner is None or first is None or second is None or first.keys() & second.keys():
            continue
        cuts = first | second
        bounds = [
            site.add("Concat", [inner.inputs[i], site[i]], dtype=INT64, axis=0) for i in (1, 2)
        ]
        stepped = any(step != 1 for step in cuts.values())
        steps = site.ints([*cuts.values()], "steps") if stepped else None
        inherit([site.node], [inner, site.node])
        set_inputs(site.node, inner.inputs[0], *bounds, site.ints([*cuts], "axes"), steps)
        graph.remove(inner, safe=True)
        joined += 1
    return joined


def _cuts(node: ir.Node) -> dict[int, int] | None:
    """Return by axis in which steps it is cut; None where that is computed."""
    rank, axes = rank_of(operand(node, 0)), integers(operand(node, 3))
    if (
        rank is None
        or axes is None
        or any(bound is None or bound.dtype is not INT64 for bound in node.inputs[1:3])
    ):
        return None
    steps = integers(operand(node, 4)) if operand(node, 4) is not None else (1,) * len(axes)
    if steps is None:
        return None
    return dict(zip((axis_of(axis, rank) for axis in axes), steps, strict=True))
