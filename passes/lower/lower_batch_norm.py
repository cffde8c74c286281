"""Batch normalization that returns running statistics, or over other axes than MindSpore's."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand, rank_of
from ..base import graph_pass
from ..rewrite import Names, Site

FLOAT = ir.DataType.FLOAT


@graph_pass(after=("infer_shapes",))
def lower_batch_norm(graph: ir.Graph) -> int:
    """Write out a BatchNormalization that returns what it makes of the running statistics.

    They are momentum * running + (1 - momentum) * batch; the layers of MindSpore keep them inside.
    So is one of float64 or of more than three spatial axes, which MindSpore (2.10) lacks.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "BatchNormalization":
            continue
        rank = rank_of(operand(node, 0))
        returned = any(value.uses() or value.is_graph_output() for value in node.outputs[1:])
        wide = node.outputs[0].dtype == ir.DataType.DOUBLE
        if rank is not None and (returned or wide or rank > 5):
            _lower(Site(node, names), rank)
            lowered += 1
    return lowered


def _lower(site: Site, rank: int) -> None:
    node, x = site.node, site[0]
    assert x is not None, "BatchNormalization has an input"
    dtype = x.dtype or FLOAT
    axes = site.ints([0, *range(2, rank)], "axes")
    mean, variance, results = site[3], site[4], list[ir.Value]()
    if attribute(node, "training_mode", 0):
        mean = site.add("ReduceMean", [x, axes], keepdims=0, dtype=dtype)
        centered = site.add("Sub", [x, _column(site, mean, rank)], dtype=dtype)
        squares = site.add("Mul", [centered, centered], dtype=dtype)
        variance = site.add("ReduceMean", [squares, axes], keepdims=0, dtype=dtype)
        momentum = attribute(node, "momentum", 0.9)
        results = [_blend(site, *pair, momentum) for pair in ((site[3], mean), (site[4], variance))]
    epsilon = site.constant(attribute(node, "epsilon", 1e-5), "epsilon", dtype)
    deviation = site.add("Sqrt", [site.add("Add", [variance, epsilon], dtype=dtype)], dtype=dtype)
    factor = _column(site, site.add("Div", [site[1], deviation], dtype=dtype), rank)
    shifted = site.add("Sub", [x, _column(site, mean, rank)], dtype=dtype)
    scaled = site.add("Mul", [shifted, factor], dtype=dtype)
    result = site.add("Add", [scaled, _column(site, site[2], rank)], dtype=dtype)
    site.replace(result, *results[: len(node.outputs) - 1])


def _column(site: Site, value: ir.Value | None, rank: int) -> ir.Value | None:
    """Return a vector over the channels with an axis of 1 for each spatial axis."""
    if rank <= 2:
        return value
    dtype = value.dtype if value is not None else None
    return site.add("Unsqueeze", [value, site.ints(range(1, rank - 1), "axes")], dtype=dtype)


def _blend(
    site: Site, running: ir.Value | None, batch: ir.Value | None, momentum: float
) -> ir.Value:
    dtype = (running.dtype if running is not None else None) or FLOAT
    kept = site.add("Mul", [running, site.constant(momentum, "momentum", dtype)], dtype=dtype)
    new = site.add("Mul", [batch, site.constant(1 - momentum, "rest", dtype)], dtype=dtype)
    return site.add("Add", [kept, new], dtype=dtype)
