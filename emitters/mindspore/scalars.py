"""Constants of one element, written where they are used: `x * 0.5`."""

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from ...compiler.ir import graph as ask
from ...compiler.ir.dims import Dim
from ...compiler.ir.provenance import KEY
from ...compiler.ir.sizes.contents import Ratio
from .code import Code, Expression, Literal
from .registry import Op

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
        template = template.replace(f"{{{index}}}", f"{{{name}:{code.slot(index)}}}")
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


def inline_sizes(code: Code, op: Op) -> Code:
    """Return code with sizes that elements are computed with as Python's numbers: `x * length`.

    Nothing is to be computed of a tensor for them; another operand must give the element type.
    """
    if op.known is None or op.node.op_type not in ELEMENTWISE or not isinstance(code, Expression):
        return code
    settings, template, kept = dict(code.settings), code.template, list[int]()
    for index, value in enumerate(code.operands):
        size = size_of(value, op)
        others = [other for other in code.operands if size_of(other, op) is None]
        typed = any(other.dtype == value.dtype and not ask.is_constant(other) for other in others)
        if size is None or not typed:
            kept.append(index)
            continue
        settings[f"size_{index}"] = size
        template = template.replace(f"{{{index}}}", f"{{size_{index}:{code.slot(index)}}}")
    if len(kept) == len(code.operands):
        return code
    for new, old in enumerate(kept):
        template = template.replace(f"{{{old}}}", f"{{{new}}}")
    operands = tuple(code.operands[i] for i in kept)
    slots = tuple(code.slot(i) for i in kept)
    return replace(code, template=template, operands=operands, settings=settings, slots=slots)


def size_of(value: ir.Value, op: Op) -> Dim | None:
    """Return a tensor of one element that is a size which is no number."""
    content = op.known.content(value) if op.known is not None else None
    if content is None or content.size != 1:
        return None
    element = content.reshape(-1)[0]
    if isinstance(element, Ratio) and element.divisor == 1:
        element = element.dividend
    return element if isinstance(element, Dim) else None


def python_scalar(value: ir.Value, operands: tuple[ir.Value, ...]) -> Literal:
    """Return a constant as the Python scalar that means the same beside the other operands."""
    if not ask.is_constant(value) or KEY in value.metadata_props or value.dtype is None:
        return None
    others = [v for v in operands if not ask.is_constant(v) and v.dtype == value.dtype]
    rank = ask.rank_of(value) or 0
    if not any((ask.rank_of(other) or 0) >= rank for other in others):
        return None
    number = ask.scalar(value)
    if number != number:
        return None  # NaN is never equal to itself, so that objects of a class could not share it
    if isinstance(number, float) and value.dtype in (ir.DataType.FLOAT, ir.DataType.FLOAT16):
        precise = np.float32 if value.dtype == ir.DataType.FLOAT else np.float16
        return float(str(precise(number)))
    if isinstance(number, float) and value.dtype == ir.DataType.DOUBLE:
        # MindSpore 2.10 rounds a number to float32, whatever stands beside it
        return number if float(np.float32(number)) == number else None
    return number if value.dtype in (ir.DataType.INT32, ir.DataType.INT64) else None
