"""Functions of one operand, element by element."""

import onnx_ir as ir

from ..code import ATOM, COMPARISON, UNARY, Code, Expression, call
from ..dtypes import mindspore_dtype
from ..registry import Op, emits, emits_call

FUNCTIONS = emits_call(
    Abs="ops.abs",
    Acos="ops.acos",
    Acosh="ops.acosh",
    Asin="ops.asin",
    Asinh="ops.asinh",
    Atan="ops.atan",
    Atanh="ops.atanh",
    Ceil="ops.ceil",
    Cos="ops.cos",
    Cosh="ops.cosh",
    Erf="ops.erf",
    Exp="ops.exp",
    Floor="ops.floor",
    IsNaN="ops.isnan",
    Log="ops.log",
    Not="ops.logical_not",
    Reciprocal="ops.reciprocal",
    Round="ops.round",  # halves to the even number, as ONNX has it
    Sign="ops.sign",
    Sin="ops.sin",
    Sinh="ops.sinh",
    Sqrt="ops.sqrt",
    Tan="ops.tan",
)


@emits("Neg")
def neg(op: Op) -> Code:
    """Neg-13."""
    return Expression("-{0}", (op[0],), binds=UNARY, slots=(UNARY,))


@emits("Det")
def det(op: Op) -> Code:
    """Det-22.

    ops.det of MindSpore 2.10 refuses matrices of one element.
    """
    single = op.dims(0)[-1] == 1
    return Expression("{0}[..., 0, 0]" if single else "ops.det({0})", (op[0],))


@emits("BitwiseNot")
def bitwise_not(op: Op) -> Code:
    """BitwiseNot-18.

    MindSpore 2.10: ~x is the logical not, mint.bitwise_not has no kernel on CPU.
    """
    return call("ops.invert", op[0])


@emits("IsInf")
def is_inf(op: Op) -> Code:
    """IsInf-20, of both signs or of one."""
    positive, negative = op.attr("detect_positive", 1), op.attr("detect_negative", 1)
    if positive and negative:
        return Expression("ops.isinf({0})", (op[0],))
    if not positive and not negative:
        return Expression("ops.zeros_like({0}, dtype=ms.bool_)", (op[0],))
    infinity = {"value": float("inf") if positive else float("-inf")}
    slots = (COMPARISON + 1,)
    return Expression("{0} == {value}", (op[0],), infinity, COMPARISON, slots)


@emits("BitCast")
def bit_cast(op: Op) -> Code:
    """BitCast-26; between integers of a size a cast does the same.

    MindSpore 2.10 has no kernel for a view of real numbers in GRAPH; NumPy's runs in both modes.
    """
    to = ir.DataType(op.attr("to", 1))
    integers = not op.dtype.is_floating_point() and not to.is_floating_point()
    name = mindspore_dtype(to)
    if integers:
        return Expression(f"{{0}}.astype({name})", (op[0],), slots=(ATOM,))
    template = f'Tensor({{0}}.asnumpy().view("{name.removeprefix("ms.")}"))'
    return Expression(template, (op[0],), slots=(ATOM,))


@emits("Cast")
def cast(op: Op) -> Code:
    """Cast-24 between dtypes that MindSpore holds; real numbers go towards zero."""
    return Expression(f"{{0}}.astype({mindspore_dtype(op.attr('to', 1))})", (op[0],), slots=(ATOM,))
