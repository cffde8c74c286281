"""Local response normalization."""

import math

import onnx_ir as ir

from ...compiler.ir.graph import attribute, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import Site, sites

FLOAT = ir.DataType.FLOAT
DEFAULTS = {"alpha": 1e-4, "bias": 1.0, "beta": 0.75}


@graph_pass(after=("infer_shapes",))
def lower_lrn(graph: ir.Graph) -> int:
    """Write LRN as x / (bias + alpha * the mean of the squares over size channels) ** beta.

    nn.LRN of MindSpore 2.10 fails on CPU from some 16 channels of 56 x 56 on (`could not execute a
    primitive`), and knows neither an even size nor any rank but 4.
    """
    lowered = 0
    for site in sites(graph, "LRN"):
        shape = shape_of(site[0])
        if rank_of(site[0]) is not None and 0 not in (shape or ()):
            _lower(site, shape)
            lowered += 1
    return lowered


def _lower(site: Site, shape: tuple[int, ...] | None) -> None:
    """Let an AveragePool slide along the channels, the spatial axes being one."""
    node, x = site.node, site[0]
    assert x is not None, "LRN has an input"
    dtype, size = x.dtype or FLOAT, attribute(node, "size", 1)
    squares = site.add("Mul", [x, x], dtype=dtype)
    if shape is None:
        apart = site.add("Unsqueeze", [squares, site.ints([1], "axes")], dtype=dtype)
        plane = site.add("Reshape", [apart, site.ints([0, 0, 0, -1], "plane")], dtype=dtype)
    else:
        sizes = site.ints([-1, 1, shape[1], math.prod(shape[2:])], "plane")
        plane = site.add("Reshape", [squares, sizes], dtype=dtype)
    mean = site.add(
        "AveragePool",
        [plane],
        kernel_shape=[size, 1],
        strides=[1, 1],
        pads=[(size - 1) // 2, 0, size // 2, 0],
        count_include_pad=1,
        dtype=dtype,
    )
    if shape is None:
        sizes = site.add("Shape", [x], dtype=ir.DataType.INT64)
    else:
        sizes = site.ints([-1, *shape[1:]], "shape")
    mean = site.add("Reshape", [mean, sizes], dtype=dtype)
    factors = {name: attribute(node, name, default) for name, default in DEFAULTS.items()}
    alpha, bias, beta = (site.constant(value, name, dtype) for name, value in factors.items())
    scaled = site.add("Add", [site.add("Mul", [mean, alpha], dtype=dtype), bias], dtype=dtype)
    power = site.add("Pow", [scaled, beta], dtype=dtype)
    site.replace(site.add("Div", [x, power], dtype=dtype))
