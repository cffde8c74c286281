"""Elements that are moved round along axes."""

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, axis_of
from ...compiler.ir.provenance import inherit
from ...compiler.ir.sizes.analysis import known_shape
from ..base import graph_pass
from ..cuts import BACK, FRONT, cut_of
from ..matching import Match, find, replace
from ..pattern import op
from ..rewrite import only_source, set_attribute, set_inputs

ROLLED = op("Concat", BACK, FRONT)


@graph_pass(after=("infer_shapes", "fold_constants"), writes=("Roll",))
def fuse_roll(graph: ir.Graph) -> int:
    """Replace concat(x[k:], x[:k]) by onnx2ms.Roll, several axes by one.

    So exporters write torch.roll, by which Swin shifts its windows.
    """
    fused = 0
    for match in find(graph, ROLLED):
        moved = _shift(match)
        if moved is not None:
            axis, shift = moved
            replace(match, "Roll", [match["x"]], domain=DOMAIN, axes=[axis], shifts=[shift])
            fused += 1
    return fused + _join(graph)


def _shift(match: Match) -> tuple[int, int] | None:
    """Return the axis and by how much its elements go on, negative for back; None if it is none."""
    shape = known_shape(match["x"])
    if shape is None:
        return None
    axis = axis_of(attribute(match.root, "axis", 0), len(shape))
    size = shape[axis]
    if not isinstance(size, int):
        return None
    behind, front = (cut_of(match, suffix, axis, len(shape), size) for suffix in ("", " 2"))
    if behind is None or front is None:
        return None
    (cut, end), (start, stop) = behind, front
    if (start, end) != (0, size) or cut != stop or not 0 < cut < size:
        return None
    return axis, -cut if 2 * cut <= size else size - cut


def _join(graph: ir.Graph) -> int:
    """Make one Roll of those in a row."""
    joined = 0
    for node in list(graph):
        if (node.domain, node.op_type) != (DOMAIN, "Roll"):
            continue
        while (before := only_source(node, "Roll", domain=DOMAIN)) is not None:
            for name in ("axes", "shifts"):
                both = (*attribute(before, name, ()), *attribute(node, name, ()))
                set_attribute(node, name, both)
            inherit([node], [before, node])
            set_inputs(node, before.inputs[0])
            graph.remove(before, safe=True)
            joined += 1
    return joined
