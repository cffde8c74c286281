"""The emitter of MindSpore: nested `nn.Cell` classes, a checkpoint, a weight map."""

from .emitter import MindSporeEmitter

__all__ = ["MindSporeEmitter"]
