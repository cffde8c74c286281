"""Quantized operators, in integers between the quantized values."""

import onnx_ir as ir

from ...compiler.ir.graph import constant, operand, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import AttributeValue, Names, Site
from .lower_integer_conv import as_float

FLOAT, INT32 = ir.DataType.FLOAT, ir.DataType.INT32
WINDOW = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")


@graph_pass(after=("fold_constants",))
def lower_qlinear(graph: ir.Graph) -> int:
    """Write QLinearConv and QLinearMatMul as the integer operator, a factor, and a quantization.

    The factor is that of the scales, x * w / y: so onnxruntime and the definition round.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        rule = RULES.get(node.op_type)
        if not node.domain and rule is not None:
            rule(Site(node, names))
            lowered += 1
    return lowered


def _conv(site: Site) -> None:
    rank = rank_of(operand(site.node, 3)) or 4
    window: dict[str, AttributeValue] = {
        name: attr.value for name, attr in site.node.attributes.items() if name in WINDOW
    }
    zeros = constant(site[5])
    weight_zero = site[5] if zeros is None or zeros.any() else None  # onnxruntime takes one only
    inputs = [site[0], site[3], site[2], weight_zero]
    total = site.add("ConvInteger", inputs, dtype=INT32, **window)
    channels = (-1, *(1 for _ in range(rank - 2)))
    if site[8] is not None:
        bias = constant(site[8])
        if bias is None:
            column = site.add("Reshape", [site[8], site.ints(channels, "shape")], dtype=INT32)
        else:
            column = site.constant(bias.reshape(channels), "bias", INT32)
        total = site.add("Add", [total, column], dtype=INT32)
    factor = _factor(site, (1, 4, 6), (None, _several(site, 4, channels), None))
    _requantize(site, total, factor, zero=7)


def _matmul(site: Site) -> None:
    total = site.add("MatMulInteger", [site[0], site[3], site[2], site[5]], dtype=INT32)
    shapes = (_several(site, 1, (-1, 1)), None, None)
    _requantize(site, total, _factor(site, (1, 4, 6), shapes), zero=7)


def _several(site: Site, index: int, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the shape in which a vector of scales broadcasts; None leaves it as it is."""
    value = site[index]
    return shape if rank_of(value) == 1 and shape_of(value) != (1,) else None


def _factor(
    site: Site, scales: tuple[int, ...], shapes: tuple[tuple[int, ...] | None, ...]
) -> ir.Value:
    """Return the product of two scales over the third."""
    arrays = [constant(site[index]) for index in scales]
    if all(array is not None for array in arrays):
        left, right, result = (
            array.astype("float32") if shape is None else array.astype("float32").reshape(shape)
            for array, shape in zip(arrays, shapes, strict=True)
            if array is not None
        )
        factor = left * right / result
        return site.constant(factor.reshape(()) if factor.size == 1 else factor, "factor", FLOAT)
    x, weight, y = (
        as_float(site, index, "scale", shape) for index, shape in zip(scales, shapes, strict=True)
    )
    return site.add("Div", [site.add("Mul", [x, weight], dtype=FLOAT), y], dtype=FLOAT)


def _requantize(site: Site, total: ir.Value, factor: ir.Value, *, zero: int) -> None:
    real = site.add("Cast", [total], to=int(FLOAT), dtype=FLOAT)
    scaled = site.add("Mul", [real, factor], dtype=FLOAT)
    one = site.constant(1, "one", FLOAT)
    dtype = site.node.outputs[0].dtype
    site.replace(site.add("QuantizeLinear", [scaled, one, site[zero]], dtype=dtype))


RULES = {"QLinearConv": _conv, "QLinearMatMul": _matmul}
