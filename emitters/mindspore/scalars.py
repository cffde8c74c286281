"""Constants of one element, written where they are used: `x * 0.5`."""

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from ...compiler.ir import graph as ask
from ...compiler.ir.provenance import KEY
from .code import Expression, Literal

ELEMENTWISE = frozenset(
    [
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Mod",
        "Pow",
        "Max",
        "Min",
        "Where",
        "PRelu",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
        "And",
        "Or",
        "Xor",
        "BitwiseAnd",
        "BitwiseOr",
        "BitwiseXor",
    ]
)
"""Operators that take a Python scalar in the place of a tensor."""

WORDS = {"Mul": "scale", "Div": "divisor", "Add": "offset", "Sub": "offset", "Pow": "exponent"}


def inline_scalars(code: Expression, node: ir.Node) -> Expression:
    """Return the expression with its one-element constants as settings.

    A constant stays a tensor where it is a weight of PyTorch's, where no other operand fixes the
    dtype, or where its rank would raise the result's.
    """
    if node.op_type not in ELEMENTWISE:
        return code
    if node.op_type == "Div" and code.template.startswith("ops.TruncateDiv"):
        return code  # in GRAPH it takes no scalar beside a tensor of unknown shape
    settings = dict(code.settings)
    template, operands = code.template, list(code.operands)
    for index, value in enumerate(code.operands):
        number = python_scalar(value, code.operands)
        if number is None:
            continue
        word = WORDS.get(node.op_type, "value")
        name = word if word not in settings else f"{word}_{index}"
        settings[name] = number
        template = template.replace(f"{{{index}}}", f"{{{name}}}")
    if settings == dict(code.settings):
        return code
    kept = [i for i in range(len(operands)) if f"{{{i}}}" in template]
    for new, old in enumerate(kept):
        template = template.replace(f"{{{old}}}", f"{{{new}}}")
    return replace(
        code,
        template=template,
        operands=tuple(operands[i] for i in kept),
        settings=settings,
        slots=tuple(code.slot(i) for i in kept),
    )


def python_scalar(value: ir.Value, operands: tuple[ir.Value, ...]) -> Literal:
    """Return a constant as the Python scalar that means the same beside the other operands."""
    if not ask.is_constant(value) or KEY in value.metadata_props or value.dtype is None:
        return None
    others = [v for v in operands if not ask.is_constant(v) and v.dtype == value.dtype]
    rank = ask.rank_of(value) or 0
    if not any((ask.rank_of(other) or 0) >= rank for other in others):
        return None
    number = ask.scalar(value)
    if isinstance(number, float) and value.dtype in (ir.DataType.FLOAT, ir.DataType.FLOAT16):
        precise = np.float32 if value.dtype == ir.DataType.FLOAT else np.float16
        return float(str(precise(number)))
    if number is None or value.dtype in (ir.DataType.FLOAT, ir.DataType.DOUBLE):
        return number
    return number if value.dtype in (ir.DataType.INT32, ir.DataType.INT64) else None
