"""Elements that are moved round along axes."""

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, axis_of, integers, operand
from ...compiler.ir.provenance import inherit
from ...compiler.ir.sizes.analysis import known_shape
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import op, symbol
from ..rewrite import set_attribute, set_inputs

X = symbol("x")
BACK = op("Slice", X, symbol("start"), symbol("end"), symbol("axes")) | op(
    "Slice", X, symbol("start"), symbol("end"), symbol("axes"), symbol("steps")
)
FRONT = op("Slice", X, symbol("start 2"), symbol("end 2"), symbol("axes 2")) | op(
    "Slice", X, symbol("start 2"), symbol("end 2"), symbol("axes 2"), symbol("steps 2")
)
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
    behind, front = (_part(match, suffix, axis, len(shape), size) for suffix in ("", " 2"))
    if behind is None or front is None:
        return None
    (cut, end), (start, stop) = behind, front
    if (start, end) != (0, size) or cut != stop or not 0 < cut < size:
        return None
    return axis, -cut if 2 * cut <= size else size - cut


def _part(match: Match, suffix: str, axis: int, rank: int, size: int) -> tuple[int, int] | None:
    """Return from where to where an axis is cut; None if another one is, or in steps."""
    names = ("start", "end", "axes", "steps")
    given = [match.values.get(f"{name}{suffix}") for name in names]
    start, end, axes, steps = (None if value is None else integers(value) for value in given)
    if start is None or end is None or axes is None or len(axes) != 1:
        return None
    if axis_of(axes[0], rank) != axis or (given[3] is not None and steps != (1,)):
        return None
    first, last = (n + size if n < 0 else n for n in (start[0], end[0]))
    return max(first, 0), min(last, size)


def _join(graph: ir.Graph) -> int:
    """Make one Roll of those in a row."""
    joined = 0
    for node in list(graph):
        while (before := _roll_before(node)) is not None:
            for name in ("axes", "shifts"):
                both = (*attribute(before, name, ()), *attribute(node, name, ()))
                set_attribute(node, name, both)
            inherit([node], [before, node])
            set_inputs(node, before.inputs[0])
            graph.remove(before, safe=True)
            joined += 1
    return joined


def _roll_before(node: ir.Node) -> ir.Node | None:
    """Return the Roll that makes what a Roll alone reads."""
    source = operand(node, 0)
    before = None if source is None else source.producer()
    if source is None or before is None or not _is_roll(node) or not _is_roll(before):
        return None
    return before if len(source.uses()) == 1 and not source.is_graph_output() else None


def _is_roll(node: ir.Node) -> bool:
    return node.op_type == "Roll" and node.domain == DOMAIN
