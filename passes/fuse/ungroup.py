"""Heads that several queries share, before they were repeated (repeat_kv)."""

import onnx_ir as ir

from ...compiler.ir.graph import operand, shape_of
from .untranspose import RESHAPES


def ungrouped(value: ir.Value, shape: tuple[int, ...]) -> ir.Value | None:
    """Return the heads of which each is repeated to make a value of rank 4, or None.

    Args:
        value: The heads repeated, maybe not yet in their shape.
        shape: That shape: batch, heads, positions, size.
    """
    expand = _made_by(value, "Reshape")
    expand = value if expand is None else expand
    single = _made_by(expand, "Expand")
    node = None if single is None else single.producer()
    if single is None or node is None or node.domain or node.op_type not in RESHAPES:
        return None
    spread, before, heads = shape_of(expand), shape_of(single), operand(node, 0)
    if spread is None or before is None or len(spread) != 5 or len(shape) != 4:
        return None
    batch, groups, repeats, *rest = spread
    if shape != (batch, groups * repeats, *rest) or before != (batch, groups, 1, *rest):
        return None
    return heads if shape_of(heads) == (batch, groups, *rest) else None


def _made_by(value: ir.Value, op_type: str) -> ir.Value | None:
    """Return the first input of an operator that makes a value, or None if another one does."""
    node = value.producer()
    made = node is not None and node.op_type == op_type and not node.domain
    return operand(node, 0) if made and node is not None else None
