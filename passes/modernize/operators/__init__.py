"""How every operator of ai.onnx was written in the operator sets 1 to 28, by kind."""

from ..form import READINGS
from . import (
    elementwise,
    flow,
    layout,
    networks,
    normalization,
    reduction,
    resize,
    softmax,
    unchanged,
)

__all__ = [
    "READINGS",
    "elementwise",
    "flow",
    "layout",
    "networks",
    "normalization",
    "reduction",
    "resize",
    "softmax",
    "unchanged",
]
