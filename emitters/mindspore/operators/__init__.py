"""What each ONNX operator becomes, a file a kind; importing this fills the table."""

from . import (
    activations,
    arithmetic,
    convolution,
    gather,
    joining,
    layer_norm,
    linear,
    logic,
    normalization,
    pooling,
    ranking,
    reduction,
    shape,
    slicing,
    spatial,
    unary,
)

__all__ = [
    "activations",
    "arithmetic",
    "convolution",
    "gather",
    "joining",
    "layer_norm",
    "linear",
    "logic",
    "normalization",
    "pooling",
    "ranking",
    "reduction",
    "shape",
    "slicing",
    "spatial",
    "unary",
]
