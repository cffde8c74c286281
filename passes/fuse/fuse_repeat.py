"""Elements of an axis that are repeated one by one."""

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.sizes.analysis import Dims, known_shape
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import op, symbol

SINGLE = op("Unsqueeze", symbol("x"), symbol("axes")) | op("Reshape", symbol("x"), symbol("axes"))
REPEATED = op("Reshape", op("Expand", SINGLE, symbol("spread")), symbol("shape"))


@graph_pass(after=("infer_shapes",), writes=("RepeatInterleave",))
def fuse_repeat(graph: ir.Graph) -> int:
    """Replace x[:, :, None], broadcast and joined to [batch, heads * repeats, …].

    It becomes onnx2ms.RepeatInterleave: so transformers give each query a head of keys where
    several share one (repeat_kv).
    """
    fused = 0
    for match in find(graph, REPEATED):
        found = _repeats(match)
        if found is not None:
            axis, repeats = found
            inputs = [match["x"]]
            replace(match, "RepeatInterleave", inputs, domain=DOMAIN, axis=axis, repeats=repeats)
            fused += 1
    return fused


def _repeats(match: Match) -> tuple[int, int] | None:
    """Return along which axis each element is repeated, and how often; None if it is not so."""
    before, after = known_shape(match["x"]), known_shape(match.result)
    single, spread = (known_shape(node.outputs[0]) for node in match.nodes[:2])
    if before is None or after is None or single is None or spread is None:
        return None
    if len(before) != len(after) or 0 in before:
        return None
    for axis, repeats in enumerate(spread[1:]):
        if not isinstance(repeats, int) or repeats == 1:
            continue
        if _is_along(axis, repeats, (before, single, spread, after)):
            return axis, repeats
    return None


def _is_along(axis: int, repeats: int, shapes: tuple[Dims, Dims, Dims, Dims]) -> bool:
    """Tell whether an axis of one element is put in behind another, repeated, and joined to it."""
    before, single, spread, after = shapes
    head, tail = before[: axis + 1], before[axis + 1 :]
    joined = (*before[:axis], before[axis] * repeats, *tail) if head else ()
    return single == (*head, 1, *tail) and spread == (*head, repeats, *tail) and after == joined
