"""Elementwise arithmetic, comparison and casts."""

from ....compiler.ir import graph as ask
from ..code import ATOM, COMPARISON, POWER, PRODUCT, SUM, UNARY, Code, Expression, binary, call
from ..dtypes import mindspore_dtype
from ..registry import CannotEmit, Op, emits, emits_call

emits_call(
    Abs="ops.abs",
    Ceil="ops.ceil",
    Cos="ops.cos",
    Erf="ops.erf",
    Exp="ops.exp",
    Floor="ops.floor",
    Log="ops.log",
    Reciprocal="ops.reciprocal",
    Sign="ops.sign",
    Sin="ops.sin",
    Sqrt="ops.sqrt",
    Where="ops.where",
)

SIGNS = {
    "Add": ("+", SUM),
    "Sub": ("-", SUM),
    "Mul": ("*", PRODUCT),
    "Equal": ("==", COMPARISON),
    "Greater": (">", COMPARISON),
    "GreaterOrEqual": (">=", COMPARISON),
    "Less": ("<", COMPARISON),
    "LessOrEqual": ("<=", COMPARISON),
}


@emits(*SIGNS)
def operator_sign(op: Op) -> Code:
    """Add-14, Sub-14, Mul-14 and the comparisons."""
    sign, binds = SIGNS[op.node.op_type]
    return binary(sign, binds, op[0], op[1])


@emits("Div")
def div(op: Op) -> Code:
    """Div-14; integers are divided towards zero, as in C."""
    if op.dtype.is_integer():
        raise CannotEmit("division of integers is not supported yet")
    return binary("/", PRODUCT, op[0], op[1])


@emits("Pow")
def power(op: Op) -> Code:
    """Pow-15; the result has the dtype of the base."""
    if op[0].dtype != op[1].dtype and ask.scalar(op[1]) is None:
        raise CannotEmit("Pow of two dtypes is not supported yet")
    return Expression("{0} ** {1}", (op[0], op[1]), binds=POWER, slots=(ATOM, UNARY))


@emits("Neg")
def neg(op: Op) -> Code:
    """Neg-13."""
    return Expression("-{0}", (op[0],), binds=UNARY, slots=(UNARY,))


@emits("Cast")
def cast(op: Op) -> Code:
    """Cast-24 between dtypes that MindSpore holds."""
    return Expression(f"{{0}}.astype({mindspore_dtype(op.attr('to', 1))})", (op[0],), slots=(ATOM,))


@emits("Max", "Min")
def extremum(op: Op) -> Code:
    """Max-13, Min-13 of any number of inputs; a NaN in any of them is the result.

    ops.maximum of MindSpore 2.10 loses a NaN on CPU (max(1, nan) is 1) where one operand is a
    Python scalar or either is NaN; ops.clamp is no better. torch's and ONNX's Max keep it.
    """
    function = "ops.maximum" if op.node.op_type == "Max" else "ops.minimum"
    if len(op.inputs) != 2:
        raise CannotEmit(f"{op.node.op_type} of {len(op.inputs)} inputs is not supported yet")
    return call(function, op[0], op[1])


@emits("Clip")
def clip(op: Op) -> Code:
    """Clip-13; each bound may be absent."""
    bounds = {
        name: ask.scalar(op[index]) for index, name in ((1, "min"), (2, "max")) if op.has(index)
    }
    if any(bound is None for bound in bounds.values()):
        raise CannotEmit("Clip with a bound that is computed is not supported yet")
    if bounds == {"min": 0.0, "max": 6.0}:
        return call("ops.relu6", op[0], closes=True)
    return call("ops.clamp", op[0], closes=True, **bounds)
