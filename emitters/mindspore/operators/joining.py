"""Operators that join and part tensors."""

import math

from ..code import Code, Expression
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
    if op.has(1) and not op.is_constant(1):
        draft = Draft(op)
        where = draft.setting("axis", axis)
        template = f"ops.split({draft.operand(0)}, {draft.integers(1, 'size')}, axis={where})"
        return draft.expression(template, outputs=count)
    size = op.size(0, axis)
    chunk = math.ceil(size / count)
    even = tuple(min(chunk, max(size - i * chunk, 0)) for i in range(count))
    sizes = op.integers(1) if op.has(1) else even
    settings = {"size": chunk if sizes == even and 0 not in even else sizes, "axis": axis}
    return Expression("ops.split({0}, {size}, axis={axis})", (op[0],), settings, outputs=count)
