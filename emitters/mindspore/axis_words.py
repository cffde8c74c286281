"""What a person calls the size of an axis, where objects of a class differ in it."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, scalar
from .cells import Step
from .roles import ATTENTIONS, FAR, PASSING, ROLES

HEADS = ("num_heads", "length", "head_dim")
"""The last axes of queries, keys and values."""

BY_RANK = {
    3: ("", "length", "channels"),
    4: ("", "height", "width", "channels"),
    5: ("", "length", "", "num_heads", "head_dim"),
    6: ("", "rows", "", "columns", "", "channels"),
}
"""Axes of what is reshaped, by their number: tokens, pictures with their channels last, windows."""


def shape_words(step: Step) -> tuple[str, ...]:
    """Return what the sizes are called that a tensor is given, "" for those without a word."""
    if step.code is None or len(step.outputs) != 1 or step.node.op_type != "Reshape":
        return ()
    result = step.outputs[0]
    rank = len(result.shape or ())
    words = list(BY_RANK.get(rank, ("",) * rank))
    for word, axis in zip(HEADS, heads_of(result, list(range(rank)), FAR), strict=False):
        words[axis] = word
    return tuple(words)


def weight_words(name: str, rank: int) -> tuple[str, ...]:
    """Return what the sizes of a constant are called that a cell holds itself."""
    return ("windows", "num_heads", "length", "length") if (name, rank) == ("bias", 4) else ()


def heads_of(value: ir.Value, axes: Sequence[int], depth: int) -> list[int]:
    """Return which axes are heads, positions and elements of a head to attention; none: unknown.

    Args:
        value: A value that attention may read in the end.
        axes: For each axis of it, which axis it was in the beginning.
        depth: Most operators to follow.
    """
    for node, index in value.uses():
        if node.op_type in ATTENTIONS and index < len(ROLES) and len(axes) > 3:
            return list(axes[-3:])
        if not depth or not node.outputs:
            continue
        kept: Sequence[int] = ()
        if node.op_type == "Transpose":
            kept = [axes[i] for i in attribute(node, "perm", tuple(reversed(range(len(axes)))))]
        elif node.op_type == "Gather" and index == 0 and scalar(node.inputs[1]) is not None:
            gone = axis_of(attribute(node, "axis", 0), len(axes))
            kept = [axis for i, axis in enumerate(axes) if i != gone]
        elif node.op_type in PASSING and node.op_type not in ("Reshape", "Unsqueeze"):
            kept = axes
        if len(kept) > 3 and (found := heads_of(node.outputs[0], kept, depth - 1)):
            return found
    return []
