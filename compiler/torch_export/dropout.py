"""Dropouts in a network that is exported in inference mode."""

# PyTorch's own types are partial:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from onnx import GraphProto

FEATURES = (
    torch.nn.Dropout1d,
    torch.nn.Dropout2d,
    torch.nn.Dropout3d,
    torch.nn.AlphaDropout,
    torch.nn.FeatureAlphaDropout,
)
"""Dropouts that ONNX has no operator for."""

DROPOUT = inspect.signature(torch.nn.functional.dropout)


class KeepDropout(TorchFunctionMode):
    """Let dropouts be traced, though the network is in inference mode.

    An exporter drops them there; in training mode it would keep them, but normalize by the batch.
    """

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Iterable[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Call a function of PyTorch, a dropout as in training."""
        named = dict(kwargs or {})
        if func is torch.nn.functional.dropout:
            call = DROPOUT.bind(*args, **named)
            call.arguments["training"] = True
            return func(*call.args, **call.kwargs)
        if func is torch.nn.functional.multi_head_attention_forward:
            named["training"] = True  # by keyword alone: that is how its only caller gives it
        return func(*args, **named)


def lost_dropouts(module: "torch.nn.Module") -> list[str]:
    """Return the paths of modules whose dropout an ONNX model does not hold, with their classes."""
    lost: list[str] = []
    named: Iterable[tuple[str, torch.nn.Module]] = module.named_modules()
    for path, part in named:
        layers = isinstance(part, torch.nn.RNNBase) and part.num_layers > 1 and part.dropout
        if layers or (isinstance(part, FEATURES) and part.p):
            lost.append(f"{path or 'the network'} ({type(part).__name__})")
    return lost


def idle_dropouts(graph: "GraphProto") -> None:
    """Make the dropouts of a graph do nothing in inference: they follow the network's mode."""
    for node in graph.node:
        if node.op_type == "Dropout" and not node.domain:
            del node.input[2:]
