"""Comparison, logic and choice, element by element."""

import onnx_ir as ir

from ..code import ATOM, BIT_AND, BIT_OR, COMPARISON, Code, Expression, binary, call
from ..draft import Draft
from ..registry import Op, emits

COMPARISONS = {
    "Equal": "==",
    "Greater": ">",
    "GreaterOrEqual": ">=",
    "Less": "<",
    "LessOrEqual": "<=",
}


@emits(*COMPARISONS)
def comparison(op: Op) -> Code:
    """Equal-19, Greater-13, GreaterOrEqual-16, Less-13, LessOrEqual-16."""
    slots = (COMPARISON + 1, COMPARISON + 1)  # Python chains comparisons
    template = f"{{0}} {COMPARISONS[op.node.op_type]} {{1}}"
    return Expression(template, (op[0], op[1]), binds=COMPARISON, slots=slots)


@emits("And", "BitwiseAnd")
def conjunction(op: Op) -> Code:
    """And-7, BitwiseAnd-18."""
    return binary("&", BIT_AND, *tensor_first(op))


@emits("Or", "BitwiseOr")
def disjunction(op: Op) -> Code:
    """Or-7, BitwiseOr-18."""
    return binary("|", BIT_OR, *tensor_first(op))


@emits("Xor", "BitwiseXor")
def exclusion(op: Op) -> Code:
    """Xor-7, BitwiseXor-18; ^ binds between & and |."""
    return Expression("{0} ^ {1}", tensor_first(op), binds=BIT_OR, slots=(BIT_AND, BIT_AND))


def tensor_first(op: Op) -> tuple[ir.Value, ir.Value]:
    """Return both operands, a constant behind: a number of Python's has no & | ^ with a tensor."""
    return (op[1], op[0]) if op.is_constant(0) else (op[0], op[1])


@emits("BitShift")
def bit_shift(op: Op) -> Code:
    """BitShift-28; by as many bits as there are, or more, nothing is left, or the sign.

    MindSpore 2.10 shifts by the rest.
    """
    left, width = op.attr("direction", "LEFT") == "LEFT", op.dtype.bitwidth
    function = f"ops.bitwise_{'left' if left else 'right'}_shift"
    if op.is_constant(1) and all(0 <= amount < width for amount in op.integers(1)):
        return call(function, op[0], op[1])
    draft = Draft(op)
    bits = ".astype(ms.int64)"  # an unsigned integer cannot be compared with Python's
    places = [draft.operand(1, ATOM) + ("" if op.dtype.is_signed() else bits) for _ in range(2)]
    inside = f"({places[0]} >= 0) & ({places[1]} < {width})"
    source, amount = draft.operand(0), draft.operand(1)
    if op.dtype.is_signed() and not left:
        last = f"ops.full_like({draft.operand(1)}, {width - 1})"
        return draft.expression(f"{function}({source}, ops.where({inside}, {amount}, {last}))")
    zero = f"ops.zeros_like({draft.operand(0)})"
    return draft.expression(f"ops.where({inside}, {function}({source}, {amount}), {zero})")


@emits("Where")
def where(op: Op) -> Code:
    """Where-16; two constants of float32 are Python scalars, whose result is that."""
    settings = {"value": op.number(1), "other": op.number(2)}
    ranks = op.rank(1), op.rank(2)
    small = None not in settings.values() and max(ranks) <= op.rank(0)
    if small and op[1].dtype == ir.DataType.FLOAT:
        return Expression("ops.where({0}, {value}, {other})", (op[0],), settings)
    return call("ops.where", op[0], op[1], op[2])
