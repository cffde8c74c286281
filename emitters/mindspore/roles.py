"""What values are called: for what attention reads them as, or for the operator that makes them."""

import re

import onnx_ir as ir

from ...compiler.ir.graph import operand, scalar

ROLES = ("query", "key", "value")
PACKED = re.compile(r"qkv|in_proj")
"""A layer that makes query, key and value at once."""

ATTENTIONS = frozenset(("Attention", "BiasedAttention", "MaskedAttention"))

PASSING = frozenset(
    ("Transpose", "Reshape", "Unsqueeze", "Mul", "Add", "RotateHalf", "RepeatInterleave", "Tile")
)
"""Operators behind which a value is still what it was, though turned by its position."""

MOVING = frozenset(
    ("Cast", "Concat", "Expand", "Gather", "Reshape", "Slice", "Transpose", "Unsqueeze")
)
"""Operators that move elements, or copies of them."""

SCORING = frozenset(("Add", "Div", "Expand", "Mul", "Reshape", "Sub", "Unsqueeze", "Where"))
"""Operators by which scores become those that a softmax reads."""

FAR = 5
"""Most operators between a value and the attention."""

HIDDEN = -1e4
"""At most this is added to the score of a key that is not seen."""

ORDINALS = ("first", "second", "third", "fourth", "fifth")
"""What the parts of a tensor are called."""


def role_of(value: ir.Value) -> str:
    """Return what a value is to attention: `query`, `mask`, `cos`; empty if nothing, or several.

    An addend that hides keys is a mask, another one a bias.
    """
    place = _place(value, FAR)
    if place == len(ROLES):
        return "mask" if value.dtype is ir.DataType.BOOL or _hides(value) else "bias"
    if 0 <= place < len(ROLES):
        return ROLES[place]
    if value.dtype is ir.DataType.BOOL:
        return "mask"
    if _counts(value):
        return "positions"
    return _angle(value, FAR) or _weighs(value)


def _counts(value: ir.Value | None) -> bool:
    """Tell whether a value counts up, whatever axes were put before it."""
    node = None if value is None else value.producer()
    if node is None or node.domain:
        return False
    return node.op_type == "Range" or (node.op_type == "Unsqueeze" and _counts(node.inputs[0]))


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


def _hides(value: ir.Value) -> bool:
    """Tell whether a value is very small somewhere, by the choice of a mask."""
    node = value.producer()
    chosen = node is not None and node.op_type == "Where" and not node.domain
    numbers = [scalar(operand(node, i)) for i in (1, 2)] if node is not None and chosen else []
    return any(number is not None and number <= HIDDEN for number in numbers)


def _angle(value: ir.Value, depth: int) -> str:
    """Return `cos` or `sin` of what is a cosine or sine, moved or scaled; else nothing."""
    node = value.producer()
    if node is None or node.domain or not node.inputs or not depth:
        return ""
    if node.op_type in ("Cos", "Sin"):
        return node.op_type.lower()
    scaled = node.op_type == "Mul" and scalar(operand(node, 1)) is not None
    source = node.inputs[0] if node.op_type in MOVING or scaled else None
    return "" if source is None else _angle(source, depth - 1)


def turn_of(value: ir.Value) -> str:
    """Return `cos` or `sin` of a constant by which pairs are turned; else nothing.

    They stand in x * cos + rotate_half(x) * sin.
    """
    users = list(value.consumers())
    if not users or any(user.op_type != "Mul" or user.domain for user in users):
        return ""
    if all(_turns(user) for user in users):
        return "sin"
    sums = [user.outputs[0].consumers() for user in users]
    beside = all(
        len(readers) == 1 and any(_turns(v.producer()) for v in readers[0].inputs if v is not None)
        for readers in sums
    )
    return "cos" if beside else ""


def _turns(node: ir.Node | None) -> bool:
    """Tell whether a node is a product of what RotateHalf makes."""
    if node is None or node.op_type != "Mul":
        return False
    makers = [value.producer() for value in node.inputs if value is not None]
    return any(maker is not None and maker.op_type == "RotateHalf" for maker in makers)


def _weighs(value: ir.Value) -> str:
    """Return `scores` of a product that a softmax reads, `probs` of what it makes for another."""
    node = value.producer()
    if node is None or node.domain:
        return ""
    if node.op_type == "Softmax":
        weighs = all(user.op_type in ("MatMul", "Einsum", "Mul") for user in value.consumers())
        return "probs" if weighs and value.uses() else ""
    if node.op_type not in (*SCORING, "MatMul", "Einsum"):
        return ""
    return "scores" if _is_scored(value, FAR) and _is_product(value, FAR) else ""


def _is_scored(value: ir.Value, depth: int) -> bool:
    """Tell whether a value goes into a softmax, and nowhere else."""
    users = [user for user in value.consumers() if not user.domain]
    if len(users) != 1 or not depth or len(value.consumers()) != 1:
        return False
    if users[0].op_type == "Softmax":
        return True
    return users[0].op_type in SCORING and _is_scored(users[0].outputs[0], depth - 1)


def _is_product(value: ir.Value, depth: int) -> bool:
    """Tell whether a value is a product of two tensors, scaled, shifted or reshaped."""
    node = value.producer()
    if node is None or node.domain or not depth:
        return False
    if node.op_type in ("MatMul", "Einsum"):
        return True
    inputs = [v for v in node.inputs if v is not None] if node.op_type in SCORING else []
    return any(_is_product(v, depth - 1) for v in inputs)
