"""Element types that MindSpore has no kernel for."""

from functools import partial

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, elements, numpy_type, operand
from ..base import graph_pass
from ..rewrite import Names, Site, set_attribute, set_inputs, tensor_of
from .kernels import BFLOAT16, FREE_OF_SIGN, wider_type

INT64 = ir.DataType.INT64
UNSIGNED = frozenset(
    (ir.DataType.UINT8, ir.DataType.UINT16, ir.DataType.UINT32, ir.DataType.UINT64)
)

NAMED = frozenset(("dtype", "output_dtype", "softmax_precision", "stash_type"))
"""Attributes that name an element type."""


@graph_pass(after=("infer_shapes",))
def lower_types(graph: ir.Graph) -> int:
    """Compute in a wider element type, and cast back, where MindSpore has no kernel for a type.

    The wider type holds every value of the narrow one, or the same bits where the operator is
    arithmetic modulo 2^64; where there is none the operator stays, and is refused.
    """
    lowered = 0
    names = Names(graph)
    types = [(node, dtype) for node in graph if (dtype := _type_of(node)) is not None]
    _widen_parameters(graph)
    for node, dtype in types:
        if dtype in UNSIGNED and not node.domain and node.op_type in FREE_OF_SIGN:
            _without_sign(Site(node, names), dtype)
            lowered += 1
        elif dtype == ir.DataType.UINT64 and not node.domain and node.op_type in ("Div", "Mod"):
            _divide(Site(node, names))
            lowered += 1
        elif (wider := wider_type(node, dtype)) is not None:
            _widen(Site(node, names), dtype, wider)
            lowered += 1
    return lowered


def _widen_parameters(graph: ir.Graph) -> None:
    """Keep in float32 the constants of bfloat16 of which no operator has a kernel for that.

    They are then parameters of layers, and cast once.
    """
    outputs = set(graph.outputs)
    for value in graph.initializers.values():
        tensor = value.const_value
        if tensor is None or tensor.dtype != BFLOAT16 or value in outputs:
            continue
        if all(
            reader.graph is graph and wider_type(reader, BFLOAT16) for reader in value.consumers()
        ):
            wider = ir.DataType.FLOAT
            read = partial(_as_float, tensor)
            value.const_value = ir.LazyTensor(
                read, dtype=wider, shape=ir.Shape(tensor.shape.numpy())
            )
            value.type = ir.TensorType(wider)


def _as_float(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
    return tensor_of(elements(tensor).astype(np.float32))


def _type_of(node: ir.Node) -> ir.DataType | None:
    """Return the element type by which an operator has a kernel: bfloat16 if anything is so."""
    values = [value for value in (*node.inputs, *node.outputs) if value is not None]
    if any(value.dtype == BFLOAT16 for value in values):
        return BFLOAT16
    source = operand(node, 0)
    return source.dtype if source is not None else None


def _without_sign(site: Site, dtype: ir.DataType) -> None:
    """Write what an operator is of numbers that are never below 0."""
    node, x = site.node, site[0]
    if node.op_type == "Sign":
        nonzero = site.add("Cast", [x], to=int(ir.DataType.BOOL), dtype=ir.DataType.BOOL)
        site.replace(site.add("Cast", [nonzero], to=int(dtype), dtype=dtype))
    elif node.op_type == "ReduceL1":
        node.op_type = "ReduceSum"
    else:
        site.replace(site.add("Identity", [x], dtype=dtype))


def _divide(site: Site) -> None:
    """Write Div or Mod of unsigned integers of 64 bits by a division of half of the dividend.

    The quotient is twice that of the half, or one more; divisors from 2^63 on go once or never.
    MindSpore 2.10 has no unsigned difference in GRAPH. It divides all integers in float64: from
    2^53 on neither ops.TruncateDiv nor // nor % is exact, and nor is this.
    """
    x, y = site[0], site[1]
    one = site.constant(1, "one", ir.DataType.UINT64)
    half = site.add("BitShift", [x, one], direction="RIGHT", dtype=ir.DataType.UINT64)
    whole, divisor, halved = (_signed(site, value) for value in (x, y, half))
    zero, two = site.constant(0, "zero", INT64), site.constant(2, "two", INT64)
    part = site.add("Mul", [site.add("Div", [halved, divisor], dtype=INT64), two], dtype=INT64)
    large = site.add("Less", [divisor, zero], dtype=ir.DataType.BOOL)
    quotient = site.add("Where", [large, zero, part], dtype=INT64)
    rest = site.add("Sub", [whole, site.add("Mul", [quotient, divisor], dtype=INT64)], dtype=INT64)
    # with a sign, numbers of unlike signs stand in the other order
    again = site.add("GreaterOrEqual", [rest, divisor], dtype=ir.DataType.BOOL)
    above = site.add("Less", [rest, zero], dtype=ir.DataType.BOOL)
    unlike = site.add("Xor", [above, large], dtype=ir.DataType.BOOL)
    again = site.add("Xor", [again, unlike], dtype=ir.DataType.BOOL)
    once = site.add("Cast", [again], to=int(INT64), dtype=INT64)
    if site.node.op_type == "Div":
        result = site.add("Add", [quotient, once], dtype=INT64)
    else:
        surplus = site.add("Mul", [once, divisor], dtype=INT64)
        result = site.add("Sub", [rest, surplus], dtype=INT64)
    dtype = ir.DataType.UINT64
    site.replace(site.add("Cast", [result], to=int(dtype), dtype=dtype))


def _signed(site: Site, value: ir.Value | None) -> ir.Value:
    return site.add("Cast", [value], to=int(INT64), dtype=INT64)


def _widen(site: Site, dtype: ir.DataType, wider: ir.DataType) -> None:
    """Cast all operands of an element type, and the results of that type back."""
    node = site.node
    inputs = [
        site.add("Cast", [value], to=int(wider), dtype=wider)
        if value is not None and value.dtype == dtype
        else value
        for value in node.inputs
    ]
    for new, old in zip(inputs, node.inputs, strict=True):
        if new is not None and old is not None and new is not old:
            new.shape = old.shape
    set_inputs(node, *inputs)
    for name in NAMED & node.attributes.keys():
        if attribute(node, name, 0) == int(dtype):
            set_attribute(node, name, int(wider))
    if node.op_type == "ConstantOfShape":
        fill = elements(node.attributes["value"].as_tensor())
        set_attribute(node, "value", tensor_of(fill.astype(numpy_type(wider))))
    for index, value in enumerate(list(node.outputs)):
        if value.dtype == dtype:
            shape = value.shape
            site.follow("Cast", output=index, to=int(dtype))
            node.outputs[index].type = ir.TensorType(wider)
            node.outputs[index].shape = shape
