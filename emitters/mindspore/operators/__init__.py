"""What each ONNX operator becomes, a file a kind; importing this fills the table."""

from . import (
    activations,
    arithmetic,
    convolution,
    linear,
    movement,
    normalization,
    pooling,
    reduction,
)

__all__ = [
    "activations",
    "arithmetic",
    "convolution",
    "linear",
    "movement",
    "normalization",
    "pooling",
    "reduction",
]
