"""Normalization by the root of the mean square, taken apart for want of it below opset 23."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, is_constant
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import Pattern, op, product, scalar, symbol
from ..rewrite import Names, Site
from .parameters import Known, last_axes, of_shape

X, SCALE, EPSILON = symbol("x"), symbol("w", is_constant), scalar("epsilon")
NARROW = (ir.DataType.FLOAT16, ir.DataType.BFLOAT16)


def _inverse(x: Pattern) -> tuple[Pattern, Pattern]:
    """Return sqrt(mean(x^2) + epsilon), and one divided by it."""
    mean = op("ReduceMean", x**2 | x * x, symbol("axes"), keepdims=1) + EPSILON
    root = op("Sqrt", mean)
    return root, op("Reciprocal", root) | 1 / root | mean**-0.5


ROOT, INVERSE = _inverse(X)
WIDE = op("Cast", X, to=int(ir.DataType.FLOAT))
WIDE_ROOT, WIDE_INVERSE = _inverse(WIDE)
CAST_BACK = op("Cast", WIDE / WIDE_ROOT | WIDE * WIDE_INVERSE)
RMS_NORM = (CAST_BACK * SCALE, product(X, INVERSE, SCALE), X / ROOT * SCALE)


@graph_pass(after=("infer_shapes", "fold_constants"))
def fuse_rms_norm(graph: ir.Graph) -> int:
    """Replace x / sqrt(mean(x^2) + epsilon) * scale by RMSNormalization.

    Of half precision it is what the operator says if the squares are summed in float32.
    """
    fused = 0
    names, known = Names(graph), Known()
    for match in find(graph, *RMS_NORM):
        sizes = last_axes(match["x"], match["axes"])
        if not sizes or not _is_summed_in_float(match):
            continue
        scale = of_shape(Site(match.root, names), match["w"], sizes, known)
        if scale is None:
            continue
        epsilon, inputs = match.numbers["epsilon"], [match["x"], scale]
        replace(match, "RMSNormalization", inputs, axis=-len(sizes), epsilon=epsilon)
        fused += 1
    return fused


def _is_summed_in_float(match: Match) -> bool:
    dtype, back = match["x"].dtype, match.made_by.get(CAST_BACK)
    if back is None:
        return dtype is ir.DataType.FLOAT
    return dtype in NARROW and attribute(back, "to", 0) == dtype
