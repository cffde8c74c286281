"""What a value is to the attention that reads it: a person calls it so."""

import onnx_ir as ir

ROLES = ("query", "key", "value")

ATTENTIONS = frozenset(("Attention", "BiasedAttention", "MaskedAttention"))

PASSING = frozenset(
    ("Transpose", "Reshape", "Unsqueeze", "Mul", "Add", "RotateHalf", "RepeatInterleave")
)
"""Operators behind which a value is still what it was, though turned by its position."""

FAR = 5
"""Most operators between a value and the attention."""


def role_of(value: ir.Value) -> str:
    """Return `query`, `key`, `value`, `mask` or `bias`; empty if it is none, or several of them."""
    place = _place(value, FAR)
    if place == len(ROLES):
        return "mask" if value.dtype is ir.DataType.BOOL else "bias"
    return ROLES[place] if 0 <= place < len(ROLES) else ""


def _place(value: ir.Value, depth: int) -> int:
    """Return as which operand attention reads a value in the end, and nothing else; -1 if none."""
    places: set[int] = set()
    for node, index in value.uses():
        if node.op_type in ATTENTIONS:
            places.add(index)
        elif node.op_type in PASSING and depth:
            places.add(_place(node.outputs[0], depth - 1))
        else:
            return -1
        if len(places) > 1:
            return -1
    return places.pop() if places else -1
