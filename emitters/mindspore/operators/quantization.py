"""Real numbers as small integers, and what is computed with these."""

from dataclasses import dataclass, field

import onnx_ir as ir

from ....compiler.ir.dialect import DOMAIN
from ....compiler.ir.graph import axis_of
from ..code import ATOM, PRODUCT, Code, Expression, Literal
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


@dataclass
class Parts:
    """The template of an expression while it is put together.

    Attributes:
        operands: Values that it reads.
        slots: How tightly each must bind.
        settings: Its constants.
    """

    operands: list[ir.Value] = field(default_factory=list[ir.Value])
    slots: list[int] = field(default_factory=list[int])
    settings: dict[str, Literal] = field(default_factory=dict[str, Literal])

    def operand(self, value: ir.Value, slot: int = 0) -> str:
        """Return the place of an operand in the template."""
        self.operands.append(value)
        self.slots.append(slot)
        return f"{{{len(self.operands) - 1}}}"

    def setting(self, name: str, value: Literal) -> str:
        """Return the place of a constant in the template."""
        self.settings[name] = value
        return f"{{{name}}}"

    def expression(self, template: str, binds: int = ATOM, *, closes: bool = False) -> Expression:
        """Return the expression."""
        operands, slots = tuple(self.operands), tuple(self.slots)
        return Expression(template, operands, self.settings, binds, slots, closes=closes)


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


def parameter(op: Op, parts: Parts, index: int, name: str) -> str:
    """Return a scale or zero point so that it broadcasts against x: a number where it is one.

    With one a slice of an axis it gets axes of 1 behind; with one a block each is repeated.
    """
    number = None if op.attr("block_size", 0) else op.number(index)
    dtype = op[index].dtype
    real = dtype is not None and dtype.is_floating_point()
    if number is not None:
        return parts.setting(name, number if real else float(str(number)))
    place = parts.operand(op[index], 0 if real and op.rank(index) else ATOM)
    rank, block = op.rank(0), op.attr("block_size", 0)
    axis = axis_of(op.attr("axis", 1), rank)
    if block:
        repeats = parts.setting("block_size", block)
        cut = ", ".join(":" for _ in range(axis))
        size = op.size(0, axis)
        place = f"ops.repeat_interleave({place}, {repeats}, {axis})"
        if size % block:
            place += f"[{cut}{', ' if cut else ''}:{size}]"
    elif op.rank(index) == 1 and axis < rank - 1:
        behind = ", ".join(["-1", *("1" for _ in range(rank - axis - 1))])
        place = f"ops.reshape({place}, ({behind}))"
    return place if real else f"{place}.astype(ms.float32)"


def scaled_down(op: Op, parts: Parts) -> str:
    """Return x / scale, x in float32 if it is of another type."""
    plain = op.dtype == ir.DataType.FLOAT
    x = parts.operand(op[0], PRODUCT if plain else ATOM)
    x = x if plain else f"{x}.astype(ms.float32)"
    scale = parameter(op, parts, 1, "scale")
    if parts.settings.get("scale") == 1:
        del parts.settings["scale"]
        return x
    wide = (
        ""
        if op[1].dtype == ir.DataType.FLOAT or "scale" in parts.settings
        else ".astype(ms.float32)"
    )
    return f"{x} / {scale}{wide}"


@emits("QuantizeLinear")
def quantize_linear(op: Op) -> Code:
    """QuantizeLinear-24: x / scale rounded, halves to even, plus the zero point, saturated."""
    parts, dtype = Parts(), output_type(op)
    low, high = limits_of(op, dtype)
    rounded = f"ops.round({scaled_down(op, parts)})"
    if op.has(2) and op.number(2) != 0:
        rounded += f" + {parameter(op, parts, 2, 'zero_point')}"
    bounds = f"{parts.setting('low', float(low))}, {parts.setting('high', float(high))}"
    return parts.expression(f"ops.clamp({rounded}, {bounds}).astype({mindspore_dtype(dtype)})")


@emits("DequantizeLinear")
def dequantize_linear(op: Op) -> Code:
    """DequantizeLinear-24: (x - zero point) * scale."""
    parts, dtype = Parts(), output_type(op)
    shifted = f"{parts.operand(op[0], ATOM)}.astype(ms.float32)"
    if op.has(2) and op.number(2) != 0:
        shifted = f"({shifted} - {parameter(op, parts, 2, 'zero_point')})"
    template = f"{shifted} * {parameter(op, parts, 1, 'scale')}"
    if dtype in HALF:
        return parts.expression(f"({template}).astype({mindspore_dtype(dtype)})")
    return parts.expression(template, PRODUCT)


@emits("FakeQuantize", domain=DOMAIN)
def fake_quantize(op: Op) -> Code:
    """QuantizeLinear and DequantizeLinear after each other: x rounded to multiples of the scale."""
    parts = Parts()
    rounded = f"ops.round({scaled_down(op, parts)})"
    zero_point = op.number(2) if op.has(2) else 0
    low, high = limits_of(op, op[2].dtype or ir.DataType.UINT8 if op.has(2) else ir.DataType.UINT8)
    if isinstance(zero_point, int):
        bounds = [parts.setting("low", float(low - zero_point))]
        bounds.append(parts.setting("high", float(high - zero_point)))
        clamped = f"ops.clamp({rounded}, {', '.join(bounds)})"
    else:
        shifts = [parameter(op, parts, 2, "zero_point") for _ in range(2)]
        bounds = [parts.setting("low", float(low)), parts.setting("high", float(high))]
        clamped = f"(ops.clamp({rounded} + {shifts[0]}, {', '.join(bounds)}) - {shifts[1]})"
    return parts.expression(f"{clamped} * {parameter(op, parts, 1, 'scale')}", PRODUCT, closes=True)


@emits("DynamicQuantizeLinear")
def dynamic_quantize_linear(op: Op) -> Code:
    """DynamicQuantizeLinear-11: to uint8, by a scale and zero point that the values give."""
    template = "quantize_dynamically({0})"
    return Expression(template, (op[0],), outputs=3, helpers=("quantize_dynamically",))


@emits("MatMulInteger")
def matmul_integer(op: Op) -> Code:
    """MatMulInteger-10, in int32, which holds every product and sum."""
    parts = Parts()
    left = shifted(op, parts, 0, 2, "(-1, 1)")
    right = shifted(op, parts, 1, 3, "")
    return parts.expression(f"{left} @ {right}", PRODUCT)


def shifted(op: Op, parts: Parts, index: int, zero: int, column: str) -> str:
    """Return an operand as int32, less its zero point: one, or one a row or column."""
    wide = f"{parts.operand(op[index], ATOM)}.astype(ms.int32)"
    number = op.number(zero) if op.has(zero) else 0
    if number == 0:
        return wide
    if number is not None:
        return f"({wide} - {parts.setting(f'zero_point_{index}', number)})"
    place = f"{parts.operand(op[zero], ATOM)}.astype(ms.int32)"
    if column and op.rank(zero) == 1:
        place = f"ops.reshape({place}, {column})"
    return f"({wide} - {place})"
