"""Normalizations whose statistics are read, or whose scale is broadcast."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, operand, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site

FLOAT = ir.DataType.FLOAT


@graph_pass(after=("infer_shapes",))
def lower_layer_norm(graph: ir.Graph) -> int:
    """Write LayerNormalization as (x - mean) / sqrt(variance + epsilon) * scale + bias.

    Only where it returns the mean or 1 / deviation, or where scale or bias have another shape than
    the axes it is over: nn.LayerNorm of MindSpore (2.10) knows neither.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "LayerNormalization" or _is_layer(node):
            continue
        _lower(Site(node, names))
        lowered += 1
    return lowered


def _is_layer(node: ir.Node) -> bool:
    rank, shape = rank_of(operand(node, 0)), shape_of(operand(node, 0))
    if any(value.uses() or value.is_graph_output() for value in node.outputs[1:]) or rank is None:
        return rank is None
    if shape is None:
        return True
    over = shape[axis_of(attribute(node, "axis", -1), rank) :]
    return all(value is None or shape_of(value) == over for value in node.inputs[1:])


def _lower(site: Site) -> None:
    node, source = site.node, site[0]
    assert source is not None, "LayerNormalization has an input"
    rank, dtype = rank_of(source) or 1, source.dtype or FLOAT
    narrow = dtype in (ir.DataType.FLOAT16, ir.DataType.BFLOAT16)
    inner = FLOAT if narrow and attribute(node, "stash_type", 1) == 1 else dtype
    x = source if inner == dtype else site.add("Cast", [source], to=int(inner), dtype=inner)
    axes = site.ints(range(axis_of(attribute(node, "axis", -1), rank), rank), "axes")
    mean = site.add("ReduceMean", [x, axes], keepdims=1, dtype=inner)
    centered = site.add("Sub", [x, mean], dtype=inner)
    squares = site.add("Mul", [centered, centered], dtype=inner)
    variance = site.add("ReduceMean", [squares, axes], keepdims=1, dtype=inner)
    epsilon = site.constant(attribute(node, "epsilon", 1e-5), "epsilon", inner)
    shifted = site.add("Add", [variance, epsilon], dtype=inner)
    deviation = site.add("Sqrt", [shifted], dtype=inner)
    inverse = site.add("Reciprocal", [deviation], dtype=inner)
    result = site.add("Mul", [centered, inverse], dtype=inner)
    if inner != dtype:
        result = site.add("Cast", [result], to=int(dtype), dtype=dtype)
    result = site.add("Mul", [result, site[1]], dtype=dtype)
    if site[2] is not None:
        result = site.add("Add", [result, site[2]], dtype=dtype)
    site.replace(*[result, mean, inverse][: len(node.outputs)])
