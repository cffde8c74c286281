"""Comparison, logic and choice, element by element."""

from ..code import BIT_AND, BIT_OR, COMPARISON, Code, Expression, binary, call
from ..registry import Op, emits, emits_call

emits_call(Where="ops.where")

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
    return binary("&", BIT_AND, op[0], op[1])


@emits("Or", "BitwiseOr")
def disjunction(op: Op) -> Code:
    """Or-7, BitwiseOr-18."""
    return binary("|", BIT_OR, op[0], op[1])


@emits("Xor", "BitwiseXor")
def exclusion(op: Op) -> Code:
    """Xor-7, BitwiseXor-18; ^ binds between & and |."""
    return Expression("{0} ^ {1}", (op[0], op[1]), binds=BIT_OR, slots=(BIT_AND, BIT_AND))


@emits("BitShift")
def bit_shift(op: Op) -> Code:
    """BitShift-11."""
    direction = "left" if op.attr("direction", "LEFT") == "LEFT" else "right"
    return call(f"ops.bitwise_{direction}_shift", op[0], op[1])
