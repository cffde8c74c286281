"""Real numbers as small integers, and what is computed with these."""

import onnx_ir as ir

from ....compiler.ir.dialect import DOMAIN
from ....compiler.ir.graph import axis_of
from ..code import ATOM, PRODUCT, Code, Expression, Literal
from ..draft import Draft
from ..dtypes import mindspore_dtype
from ..registry import CannotEmit, Op, emits

HALF = (ir.DataType.FLOAT16, ir.DataType.BFLOAT16)
INTEGERS = {
    ir.DataType.UINT8: (0, 255),
    ir.DataType.INT8: (-128, 127),
    ir.DataType.UINT16: (0, 65535),
    ir.DataType.INT16: (-32768, 32767),
}
"""The smallest and largest number of each type that MindSpore holds."""


def output_type(op: Op) -> ir.DataType:
    """Return the element type of the first output."""
    dtype = op.node.outputs[0].dtype
    if dtype is None:
        raise CannotEmit("the element type of the output is not known")
    return dtype


def limits_of(op: Op, dtype: ir.DataType) -> tuple[int, int]:
    """Return the smallest and the largest integer of a quantized type."""
    if dtype not in INTEGERS:
        raise CannotEmit(f"quantization to {dtype.name.lower()}, which MindSpore does not have")
    return INTEGERS[dtype]


def single(op: Op, index: int) -> Literal:
    """Return a scale or zero point that is constant and one for all of x, or None."""
    return None if op.attr("block_size", 0) else op.number(index)


def parameter(op: Op, draft: Draft, index: int, name: str) -> str:
    """Return a scale or zero point so that it broadcasts against x: a number where it is one.

    With one a slice of an axis it gets axes of 1 behind; with one a block each is repeated.
    """
    number, dtype = single(op, index), op[index].dtype
    real = dtype is not None and dtype.is_floating_point()
    if number is not None:
        return draft.setting(name, number if real else float(str(number)))
    place = draft.value(op[index], 0 if real and op.rank(index) else ATOM)
    rank, block = op.rank(0), op.attr("block_size", 0)
    axis = axis_of(op.attr("axis", 1), rank)
    if block:
        repeats = draft.setting("block_size", block)
        cut = ", ".join(":" for _ in range(axis))
        size = op.dims(0)[axis]
        place = f"ops.repeat_interleave({place}, {repeats}, {axis})"
        if not isinstance(size, int) or size % block:
            place += f"[{cut}{', ' if cut else ''}:{draft.setting('size', size)}]"
    elif op.rank(index) == 1 and axis < rank - 1:
        behind = ", ".join(["-1", *("1" for _ in range(rank - axis - 1))])
        place = f"ops.reshape({place}, ({behind}))"
    return place if real else f"{place}.astype(ms.float32)"


def scaled_down(op: Op, draft: Draft) -> str:
    """Return x / scale, x in float32 if it is of another type."""
    plain = op.dtype == ir.DataType.FLOAT
    x = draft.value(op[0], PRODUCT if plain else ATOM)
    x = x if plain else f"{x}.astype(ms.float32)"
    scale = single(op, 1)
    if scale == 1:
        return x
    plain = op[1].dtype == ir.DataType.FLOAT or scale is not None
    return f"{x} / {parameter(op, draft, 1, 'scale')}{'' if plain else '.astype(ms.float32)'}"


@emits("QuantizeLinear")
def quantize_linear(op: Op) -> Code:
    """QuantizeLinear-24: x / scale rounded, halves to even, plus the zero point, saturated."""
    draft, dtype = Draft(op), output_type(op)
    low, high = limits_of(op, dtype)
    rounded = f"ops.round({scaled_down(op, draft)})"
    if op.has(2) and op.number(2) != 0:
        rounded += f" + {parameter(op, draft, 2, 'zero_point')}"
    bounds = f"{draft.setting('low', float(low))}, {draft.setting('high', float(high))}"
    return draft.expression(f"ops.clamp({rounded}, {bounds}).astype({mindspore_dtype(dtype)})")


@emits("DequantizeLinear")
def dequantize_linear(op: Op) -> Code:
    """DequantizeLinear-24: (x - zero point) * scale."""
    draft, dtype = Draft(op), output_type(op)
    shifted = f"{draft.value(op[0], ATOM)}.astype(ms.float32)"
    if op.has(2) and op.number(2) != 0:
        shifted = f"({shifted} - {parameter(op, draft, 2, 'zero_point')})"
    template = f"{shifted} * {parameter(op, draft, 1, 'scale')}"
    if dtype in HALF:
        return draft.expression(f"({template}).astype({mindspore_dtype(dtype)})")
    return draft.expression(template, binds=PRODUCT)


@emits("FakeQuantize", domain=DOMAIN)
def fake_quantize(op: Op) -> Code:
    """QuantizeLinear and DequantizeLinear after each other: x rounded to multiples of the scale."""
    draft = Draft(op)
    rounded = f"ops.round({scaled_down(op, draft)})"
    zero_point = op.number(2) if op.has(2) else 0
    low, high = limits_of(op, op[2].dtype or ir.DataType.UINT8 if op.has(2) else ir.DataType.UINT8)
    if isinstance(zero_point, int):
        bounds = [draft.setting("low", float(low - zero_point))]
        bounds.append(draft.setting("high", float(high - zero_point)))
        clamped = f"ops.clamp({rounded}, {', '.join(bounds)})"
    else:
        shifts = [parameter(op, draft, 2, "zero_point") for _ in range(2)]
        bounds = [draft.setting("low", float(low)), draft.setting("high", float(high))]
        clamped = f"(ops.clamp({rounded} + {shifts[0]}, {', '.join(bounds)}) - {shifts[1]})"
    return draft.expression(
        f"{clamped} * {parameter(op, draft, 1, 'scale')}", binds=PRODUCT, closes=True
    )


@emits("DynamicQuantizeLinear")
def dynamic_quantize_linear(op: Op) -> Code:
    """DynamicQuantizeLinear-11: to uint8, by a scale and zero point that the values give."""
    template = "quantize_dynamically({0})"
    return Expression(template, (op[0],), outputs=3, helpers=("quantize_dynamically",))


@emits("MatMulInteger")
def matmul_integer(op: Op) -> Code:
    """MatMulInteger-10, in int32, which holds every product and sum."""
    draft = Draft(op)
    left = shifted(op, draft, 0, 2, "(-1, 1)")
    right = shifted(op, draft, 1, 3, "")
    return draft.expression(f"{left} @ {right}", binds=PRODUCT)


def shifted(op: Op, draft: Draft, index: int, zero: int, column: str) -> str:
    """Return an operand as int32, less its zero point: one, or one a row or column."""
    wide = f"{draft.value(op[index], ATOM)}.astype(ms.int32)"
    number = op.number(zero) if op.has(zero) else 0
    if number == 0:
        return wide
    if number is not None:
        return f"({wide} - {draft.setting(f'zero_point_{index}', number)})"
    place = f"{draft.value(op[zero], ATOM)}.astype(ms.int32)"
    if column and op.rank(zero) == 1:
        place = f"ops.reshape({place}, {column})"
    return f"({wide} - {place})"
