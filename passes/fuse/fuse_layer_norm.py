"""Normalization over the last axes, taken apart for want of the operator below opset 17."""

import onnx_ir as ir

from ...compiler.ir.graph import is_constant
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import Pattern, op, scalar, symbol
from ..rewrite import Names, Site
from .parameters import Known, last_axes, made_up, of_shape

X, SCALE, BIAS = symbol("x"), symbol("w", is_constant), symbol("b", is_constant)
MEAN = op("ReduceMean", X, symbol("axes"), keepdims=1)
CENTERED = X - MEAN
VARIANCE = op("ReduceMean", CENTERED**2 | CENTERED * CENTERED, symbol("same axes"), keepdims=1)
DEVIATION = op("Sqrt", VARIANCE + scalar("epsilon"))
INVERSE = op("Reciprocal", DEVIATION) | 1 / DEVIATION | (VARIANCE + scalar("epsilon")) ** -0.5
NORMAL = CENTERED / DEVIATION | CENTERED * INVERSE
SCALED = INVERSE * SCALE
LAYER_NORM: tuple[Pattern, ...] = (
    NORMAL * SCALE + BIAS,
    X * SCALED + (BIAS - MEAN * SCALED),  # TensorFlow
    NORMAL * SCALE,
    NORMAL,
)


@graph_pass(after=("infer_shapes", "fold_constants"))
def fuse_layer_norm(graph: ir.Graph) -> int:
    """Replace (x - mean) / sqrt(variance + epsilon) * scale + bias by LayerNormalization."""
    fused = 0
    names, known = Names(graph), Known()
    for match in find(graph, *LAYER_NORM):
        sizes = last_axes(match["x"], match["axes"])
        if not sizes or last_axes(match["x"], match["same axes"]) != sizes:
            continue
        if match["x"].dtype is not ir.DataType.FLOAT:  # the operator sums half precision in float32
            continue
        parameters = _parameters(match, Site(match.root, names), sizes, known)
        if any(value is None for value in parameters):
            continue
        epsilon = match.numbers["epsilon"]
        inputs = [match["x"], *parameters]
        replace(match, "LayerNormalization", inputs, axis=-len(sizes), epsilon=epsilon)
        fused += 1
    return fused


def _parameters(
    match: Match, site: Site, sizes: tuple[int, ...], known: Known
) -> list[ir.Value | None]:
    """Return scale and bias; of ones and zeros, as exporters write it, where there are none."""
    given = [match.values[name] for name in ("w", "b") if name in match.values]
    if given:
        return [of_shape(site, value, sizes, known) for value in given]
    return [*made_up(site, sizes, ir.DataType.FLOAT)]
