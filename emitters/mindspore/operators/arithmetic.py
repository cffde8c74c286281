"""Arithmetic of several operands, element by element."""

import numpy as np
import onnx_ir as ir

from ....compiler.ir import graph as ask
from ..code import ATOM, POWER, PRODUCT, SUM, UNARY, Code, Expression, Layer, Literal, binary, call
from ..dtypes import mindspore_dtype
from ..registry import CannotEmit, Op, emits

SIGNS = {"Add": ("+", SUM), "Sub": ("-", SUM), "Mul": ("*", PRODUCT)}


@emits(*SIGNS)
def operator_sign(op: Op) -> Code:
    """Add-14, Sub-14, Mul-14."""
    return binary(*SIGNS[op.node.op_type], op[0], op[1])


@emits("Div")
def div(op: Op) -> Code:
    """Div-14; integers are divided towards zero, as in C; Python's // goes down.

    MindSpore 2.10 computes ops.div(rounding_mode="trunc") in float32: 16777217 / 1 is 16777216.
    """
    if op.dtype.is_integer():
        return call("ops.TruncateDiv()", op[0], op[1])
    return binary("/", PRODUCT, op[0], op[1])


@emits("Mod")
def mod(op: Op) -> Code:
    """Mod-13; its result has the sign of the divisor, with fmod that of the dividend.

    MindSpore 2.10 computes ops.fmod of integers in float32: of 16777217 and 1 it is 1.
    """
    if not op.attr("fmod", 0):
        return binary("%", PRODUCT, op[0], op[1])
    if not op.dtype.is_integer():
        if op.is_constant(1) and np.isfinite(op.constant(1).astype(np.float64)).all():
            return call("ops.fmod", op[0], op[1])
        # ops.fmod by infinity is NaN in MindSpore 2.10, and should be the dividend
        template = "ops.where(ops.isinf({0}) & ops.isfinite({1}), {2}, ops.fmod({3}, {4}))"
        return Expression(template, (op[1], op[0], op[0], op[0], op[1]))
    return Expression(
        "{0} - ops.TruncateDiv()({1}, {2}) * {3}",
        (op[0], op[0], op[1], op[1]),
        binds=SUM,
        slots=(SUM, 0, 0, PRODUCT + 1),
    )


@emits("Pow")
def power(op: Op) -> Code:
    """Pow-15; the result has the dtype of the base."""
    base, exponent = op[0].dtype, op[1].dtype
    if exponent in (ir.DataType.UINT32, ir.DataType.UINT64) and base != exponent:
        return unsigned_power(op)
    number = op.number(1) if (ask.rank_of(op[1]) or 0) < 2 else None
    if number is not None and op.rank(0) > 0:
        whole = int(number) if isinstance(number, float) and number.is_integer() else number
        plain = Expression("{0} ** {exponent}", (op[0],), {"exponent": whole}, POWER, (ATOM,))
    elif op.is_constant(0):  # a negative base would need brackets
        plain = call("ops.pow", op[0], op[1])
    else:
        plain = Expression("{0} ** {1}", (op[0], op[1]), binds=POWER, slots=(ATOM, UNARY))
    same = base == exponent or (is_real(base) and not is_real(exponent))
    if same:
        return plain
    assert base is not None
    template = f"({plain.template}).astype({mindspore_dtype(base)})"
    return Expression(template, plain.operands, plain.settings, slots=plain.slots)


def unsigned_power(op: Op) -> Code:
    """Return a Pow whose exponent MindSpore 2.10 does not convert to the base's dtype."""
    assert op[0].dtype is not None, "Pow has a typed base"
    wider = "ms.int64" if op[1].dtype == ir.DataType.UINT32 else "ms.float64"
    template = f"({{0}} ** {{1}}.astype({wider})).astype({mindspore_dtype(op[0].dtype)})"
    return Expression(template, (op[0], op[1]), slots=(ATOM, ATOM))


def is_real(dtype: ir.DataType | None) -> bool:
    """Tell whether an element type is one of real numbers."""
    return dtype is not None and dtype.is_floating_point()


@emits("Max", "Min")
def extremum(op: Op) -> Code:
    """Max-13, Min-13 of two inputs; a NaN in either of them is the result.

    ops.maximum of MindSpore 2.10 is its second operand where either is NaN, on CPU.
    """
    function, sign = {"Max": ("ops.maximum", ">"), "Min": ("ops.minimum", "<")}[op.node.op_type]
    if len(op.inputs) == 1:
        return Expression("{0}", (op[0],))
    if len(op.inputs) > 2:
        raise CannotEmit(f"{op.node.op_type} of {len(op.inputs)} inputs at once")
    first, second = op[0], op[1]
    if not op.dtype.is_floating_point():
        return call(function, first, second)
    if op.is_constant(1):
        return call(function, second, first)
    if op.is_constant(0):
        return call(function, first, second)
    return Expression(
        f"ops.where(({{0}} {sign} {{1}}) | ops.isnan({{2}}), {{3}}, {{4}})",
        (first, second, first, first, second),
        slots=(SUM, SUM),
    )


@emits("Clip")
def clip(op: Op) -> Code:
    """Clip-13; each bound may be absent, or computed, and an infinite one is none.

    ops.clamp of MindSpore 2.10 takes two tensors or two numbers, not one of each.
    """
    bounds: dict[str, Literal] = {}
    operands, template = [op[0]], "ops.clamp({0}"
    for index, name in ((1, "min"), (2, "max")):
        if not op.has(index):
            continue
        number = op.number(index)
        if number == (float("-inf") if name == "min" else float("inf")):
            continue
        if number is None:
            template += f", {name}={{{len(operands)}}}"
            operands.append(op[index])
        else:
            bounds[name] = number
            template += f", {name}={{{name}}}"
    if len(operands) == 2 and bounds:
        inner, outer = ("ops.minimum", "max") if "max" in bounds else ("ops.maximum", "min")
        rest = template.replace(f", {outer}={{{outer}}}", "")
        return Expression(f"{inner}({rest}), {{{outer}}})", tuple(operands), bounds, closes=True)
    if len(operands) == 1 and not bounds:
        return Expression("{0}", (op[0],))
    if bounds == {"min": 0.0, "max": 6.0}:
        cell = Layer("nn.ReLU6", {}, (op[0],), word="relu")
        return Expression("ops.relu6({0})", (op[0],), cell=cell, closes=True)
    return Expression(f"{template})", tuple(operands), bounds, closes=True)
