"""BatchNormalization as a part of the convolution before it."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, is_constant, operand, rank_of, shape_of
from ...compiler.ir.provenance import inherit
from ..base import graph_pass
from ..rewrite import Site, only_source, set_inputs, sites, take_over


@graph_pass(after=("infer_shapes", "fold_constants"), on_request=True)
def fold_batch_norm(graph: ir.Graph) -> int:
    """Multiply BatchNormalization's scale into the weight of the convolution before it.

    w' = w * scale / sqrt(var + epsilon), b' = (b - mean) * scale / sqrt(var + epsilon) + beta: the
    network computes the same with half as many layers, but no longer trains as it did.
    """
    folded = 0
    for site in sites(graph, "BatchNormalization"):
        conv = _convolution(site)
        if conv is not None:
            _fold(site, conv)
            folded += 1
    return folded


def _convolution(site: Site) -> ir.Node | None:
    """Return the Conv or ConvTranspose of constants that only this node reads."""
    x, node = site[0], site.node
    conv = only_source(node, "Conv", "ConvTranspose")
    if x is None or conv is None:
        return None
    if conv.op_type == "ConvTranspose" and attribute(conv, "group", 1) != 1:
        return None
    statistics = [site[i] for i in range(1, 5)]
    parameters = [*conv.inputs[1:], *statistics]
    known = all(is_constant(value) for value in parameters if value is not None)
    same = all(value is None or value.dtype == x.dtype for value in parameters)
    trains = attribute(node, "training_mode", 0) or len(node.outputs) > 1
    return conv if known and same and not trains and shape_of(conv.inputs[1]) else None


def _fold(site: Site, conv: ir.Node) -> None:
    """Give a convolution the parameters of both, computed where constants are folded."""
    scale, beta, mean, variance = (site[i] for i in range(1, 5))
    weight, bias = conv.inputs[1], operand(conv, 2)
    assert weight is not None, "a convolution has a weight"
    dtype = weight.dtype
    assert dtype is not None, "a weight has a type"
    epsilon = site.constant(attribute(site.node, "epsilon", 1e-5), "epsilon", dtype)
    deviation = site.add("Sqrt", [site.add("Add", [variance, epsilon], dtype=dtype)], dtype=dtype)
    factor = site.add("Div", [scale, deviation], dtype=dtype)
    shape = [1] * (rank_of(weight) or 0)
    shape[1 if conv.op_type == "ConvTranspose" else 0] = -1
    along = site.add("Reshape", [factor, site.ints(shape, "shape")], dtype=dtype)
    scaled = site.add("Mul", [weight, along], dtype=dtype)
    if bias is None:
        shift = site.add("Neg", [mean], dtype=dtype)
    else:
        shift = site.add("Sub", [bias, mean], dtype=dtype)
    shifted = site.add("Add", [site.add("Mul", [shift, factor], dtype=dtype), beta], dtype=dtype)
    for value, like in ((scaled, weight), (shifted, beta)):
        value.shape = None if like is None else like.shape
    site.graph.remove(conv)
    site.graph.insert_before(site.node, conv)
    inherit([conv], [conv, site.node])
    set_inputs(conv, conv.inputs[0], scaled, shifted)
    result = conv.outputs[0]
    take_over(site.node.outputs[0], result)
    site.graph.remove(site.node, safe=True)
