"""Operators that join and part tensors."""

import math

from ..code import Code, Expression, Literal
from ..draft import Draft
from ..registry import Op, emits


@emits("Concat")
def concat(op: Op) -> Code:
    """Concat-13."""
    places = ", ".join(f"{{{i}}}" for i in range(len(op.inputs)))
    comma = "," if len(op.inputs) == 1 else ""
    axis = {"axis": op.attr("axis", 0)}
    return Expression(f"ops.cat(({places}{comma}), axis={{axis}})", op.inputs, axis)


@emits("Split")
def split(op: Op) -> Code:
    """Split-18: parts of given sizes, or of one size, the last of them smaller."""
    axis, count = op.attr("axis", 0), len(op.node.outputs)
    if op.has(1) and not op.has_sizes(1):
        draft = Draft(op)
        where = draft.setting("axis", axis)
        template = f"ops.split({draft.operand(0)}, {draft.integers(1, 'size')}, axis={where})"
        return draft.expression(template, outputs=count)
    size = op.dims(0)[axis]
    part: Literal
    if isinstance(size, int):
        chunk = math.ceil(size / count)
        even = tuple(min(chunk, max(size - i * chunk, 0)) for i in range(count))
        sizes = op.sizes(1) if op.has(1) else even
        part = chunk if sizes == even and 0 not in even else sizes
    else:
        whole = -1 * (-1 * size // count)  # GRAPH must know how many parts there are
        part = op.sizes(1) if op.has(1) else (*[whole] * (count - 1), size - (count - 1) * whole)
    settings: dict[str, Literal] = {"size": part, "axis": axis}
    return Expression("ops.split({0}, {size}, axis={axis})", (op[0],), settings, outputs=count)
