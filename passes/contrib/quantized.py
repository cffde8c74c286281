"""Quantized operators: products of integers, and others between two quantizations."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, rank_of, shape_of
from ...compiler.ir.recurrent import results_of
from ..fuse.fuse_recurrent import is_zero
from ..rewrite import AttributeValue, Site
from .rules import (
    FLOAT,
    add_several,
    contrib,
    dtype_of,
    like,
    number,
    swap_last,
    total,
)

INT32, UINT8 = ir.DataType.INT32, ir.DataType.UINT8


def real_product(site: Site, integers: ir.Value, *scales: ir.Value | None) -> ir.Value:
    """Insert a product of integers times all scales, as real numbers."""
    factor, *others = (scale for scale in scales if scale is not None)
    for other in others:
        factor = site.add("Mul", [factor, other], dtype=FLOAT)
    real = site.add("Cast", [integers], to=int(FLOAT), dtype=FLOAT)
    return site.add("Mul", [real, factor], dtype=FLOAT)


def column(site: Site, index: int) -> ir.Value | None:
    """Return a scale of the left operand; one a row as a column."""
    value = site[index]
    if value is None or rank_of(value) != 1 or shape_of(value) == (1,):
        return value
    return site.add("Unsqueeze", [value, site.ints([-1], "axes")], dtype=dtype_of(value))


@contrib("MatMulIntegerToFloat")
def matmul_integer_to_float(site: Site) -> bool:
    """The product of integers times both scales, plus a bias."""
    product = site.add("MatMulInteger", [site[0], site[1], site[4], site[5]], dtype=INT32)
    real = real_product(site, product, column(site, 2), site[3])
    site.replace(total(site, real, site[6]) or real)
    return True


@contrib("DynamicQuantizeMatMul")
def dynamic_quantize_matmul(site: Site) -> bool:
    """The product of x, quantized by its own range, and integers, times both scales."""
    x, scale, zero = add_several(site, "DynamicQuantizeLinear", [site[0]], UINT8, FLOAT, UINT8)
    product = site.add("MatMulInteger", [x, site[1], zero, site[3]], dtype=INT32)
    real = real_product(site, product, scale, site[2])
    site.replace(total(site, real, site[4]) or real)
    return True


@contrib("QGemm")
def qgemm(site: Site) -> bool:
    """Gemm of integers: alpha A' B' + C, with or without quantization of the result."""
    node = site.node
    left = swap_last(site, 0) if attribute(node, "transA", 0) else site[0]
    right = swap_last(site, 3) if attribute(node, "transB", 0) else site[3]
    product = site.add("MatMulInteger", [left, right, site[2], site[5]], dtype=INT32)
    summed = total(site, product, site[6])
    alpha = number(site, "alpha", 1.0)
    scales = [site[1], site[4]] + ([like(site, alpha, "alpha", 1)] if alpha != 1 else [])
    real = real_product(site, summed or product, *scales)
    if site[7] is not None:
        dtype = dtype_of(node.outputs[0]) or dtype_of(site[8]) or UINT8
        real = site.add("QuantizeLinear", [real, site[7], site[8]], dtype=dtype)
    site.replace(real)
    return True


def dequantized(site: Site, index: int, scale: int) -> ir.Value:
    """Insert an operand as real numbers; its scale and zero point stand at `scale`."""
    inputs = [site[index], site[scale], site[scale + 1]]
    return site.add("DequantizeLinear", inputs, dtype=FLOAT)


def quantize(site: Site, value: ir.Value, scale: int) -> bool:
    """Replace a node by a value, quantized by the scale and zero point at `scale`."""
    inputs = [value, site[scale], site[scale + 1]]
    dtype = dtype_of(site[scale + 1]) or UINT8
    site.replace(site.add("QuantizeLinear", inputs, dtype=dtype))
    return True


@contrib("QLinearAdd", "QLinearMul")
def qlinear_binary(site: Site) -> bool:
    """The sum or product of what two quantized tensors stand for."""
    operator = site.node.op_type.removeprefix("QLinear")
    operands = [dequantized(site, 0, 1), dequantized(site, 3, 4)]
    return quantize(site, site.add(operator, operands, dtype=FLOAT), 6)


@contrib("QLinearSigmoid", "QLinearLeakyRelu")
def qlinear_activation(site: Site) -> bool:
    """An activation of what a quantized tensor stands for."""
    operator = site.node.op_type.removeprefix("QLinear")
    alpha = {"alpha": number(site, "alpha", 0.01)} if operator == "LeakyRelu" else {}
    return quantize(site, site.add(operator, [dequantized(site, 0, 1)], dtype=FLOAT, **alpha), 3)


@contrib("QLinearSoftmax")
def qlinear_softmax(site: Site) -> bool:
    """Softmax of what a quantized tensor stands for.

    onnxruntime's kernel multiplies by the whole part of 1 / scale: by 249 for 0.004 in float32.
    """
    if attribute(site.node, "opset", 13) < 13:
        return False
    axis = attribute(site.node, "axis", -1)
    softmax = site.add("Softmax", [dequantized(site, 0, 1)], dtype=FLOAT, axis=axis)
    levels = site.add("Floor", [site.add("Reciprocal", [site[3]], dtype=FLOAT)], dtype=FLOAT)
    scale = site.add("Reciprocal", [levels], dtype=FLOAT)
    dtype = dtype_of(site[4]) or UINT8
    site.replace(site.add("QuantizeLinear", [softmax, scale, site[4]], dtype=dtype))
    return True


@contrib("QLinearGlobalAveragePool")
def qlinear_global_pool(site: Site) -> bool:
    """The mean of what the elements of each channel stand for."""
    x, rank = dequantized(site, 0, 1), rank_of(site[0])
    if rank is None:
        return False
    last = attribute(site.node, "channels_last", 0)
    axes = site.ints(range(1, rank - 1) if last else range(2, rank), "axes")
    return quantize(site, site.add("ReduceMean", [x, axes], dtype=FLOAT, keepdims=1), 3)


@contrib("QLinearAveragePool")
def qlinear_average_pool(site: Site) -> bool:
    """AveragePool of what a quantized tensor stands for.

    A mean on the middle between two quanta may become the other one: the order in which the pixels
    are added in float32 decides, and MindSpore's kernel is not onnxruntime's.
    """
    if attribute(site.node, "channels_last", 0):
        return False
    attributes: dict[str, AttributeValue] = {
        name: attr.value for name, attr in site.node.attributes.items() if name != "channels_last"
    }
    pooled = site.add("AveragePool", [dequantized(site, 0, 1)], dtype=FLOAT, **attributes)
    return quantize(site, pooled, 3)


@contrib("QLinearConcat")
def qlinear_concat(site: Site) -> bool:
    """Concat of what quantized tensors stand for."""
    count = len(site.node.inputs)
    parts = [dequantized(site, i, i + 1) for i in range(2, count, 3)]
    axis = attribute(site.node, "axis", 0)
    return quantize(site, site.add("Concat", parts, dtype=FLOAT, axis=axis), 0)


@contrib("DynamicQuantizeLSTM")
def dynamic_quantize_lstm(site: Site) -> bool:
    """Tell the shapes of an LSTM of integer weights, which stays what it is."""
    node, x, recurrence = site.node, site[0], shape_of(site[2])
    if x is None or x.shape is None or recurrence is None:
        return False
    directions, hidden, _ = recurrence
    time, batch, _ = x.shape
    shapes = [[time, directions, batch, hidden], *([[directions, batch, hidden]] * 2)]
    changed = False
    for index in (5, 6):
        if site[index] is not None and is_zero(site[index]):
            node.replace_input_with(index, None)
            changed = True
    for _, value, shape in zip(results_of("LSTM"), node.outputs, shapes, strict=False):
        if value.shape is None or [*value.shape] != shape or value.dtype != FLOAT:
            value.type, value.shape = ir.TensorType(FLOAT), ir.Shape(shape)
            changed = True
    return changed
