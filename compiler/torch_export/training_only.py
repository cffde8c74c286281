"""What a network does in training only, which an export in inference mode would lose."""

# PyTorch's own types are partial:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import inspect
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from types import FunctionType
from typing import Any

import torch
from torch.nn import Module, functional
from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportPrivateUsage]
from torch.overrides import TorchFunctionMode

from .guard import forwarding, inference
from .quiet import RANDOM
from .structure import Call, leaves

DROPS = frozenset(getattr(functional, name) for name in RANDOM)
CHANCE = frozenset({"rand", "rand_like", "uniform_", "bernoulli", "bernoulli_"})
"""Functions that draw from 0 to 1: the lowest that they can draw drops whatever may be dropped."""

ATTENTION = functional.scaled_dot_product_attention
DROPOUT_P = 4
"""Its place among the arguments of attention."""


@dataclass(frozen=True)
class TrainingOnly:
    """What a network does in training only.

    Attributes:
        attention: Modules that give attention a probability of dropping in training.
        lost: Paths and classes of modules that compute something else in training.
    """

    attention: Sequence[Module]
    lost: Sequence[str]


@contextmanager
def dropping_paths(module: Module) -> Generator[None]:
    """Let every stochastic depth be a product with a dropout of ones, which ONNX can say."""
    with ExitStack() as stack:
        for part in module.modules():
            if _drops_path(part):
                stack.enter_context(forwarding(part, partial(_without_path, part)))
        yield


def _drops_path(part: Module) -> bool:
    """Tell DropPath, as timm and transformers have it, and torchvision's StochasticDepth."""
    name = type(part).__name__
    named = name.endswith("DropPath") or name == "StochasticDepth"
    return named and bool(_probability(part)) and getattr(part, "scale_by_keep", True)


def _probability(part: Any) -> float:
    return getattr(part, "drop_prob", getattr(part, "p", None)) or 0.0


def _without_path(part: Any, x: torch.Tensor) -> torch.Tensor:
    """Return x, of which in training each sample, or the whole batch, is dropped."""
    samples = 1 if getattr(part, "mode", "row") == "batch" else x.shape[0]
    ones = x.new_ones((samples, *(1 for _ in x.shape[1:])))
    return x * functional.dropout(ones, _probability(part), training=True)


def training_only(module: Module, call: Call) -> TrainingOnly:
    """Find what a network does in training only, beside BatchNorm, dropouts and stochastic depth.

    Modules whose code reads their mode are put into training, with nothing dropped: one that then
    computes something else does more than an export can keep.

    Args:
        module: The network; it is left as it is.
        call: What it is called with.
    """
    named = [(p, m) for p, m in module.named_modules() if _reads_mode(m) and not _drops_path(m)]
    if not named:
        return TrainingOnly((), ())
    with inference(module), torch.no_grad(), dropping_paths(module):
        expected, _ = _outputs(module, call, ())
        attention = _same(module, call, [part for _, part in named], expected)
        if attention is not None:
            return TrainingOnly(attention, ())
        kinds: dict[type[Module], list[tuple[str, Module]]] = defaultdict(list)
        for path, part in named:
            kinds[type(part)].append((path, part))
        kept: list[Module] = []
        lost: list[str] = []
        for kind, members in kinds.items():
            found = _same(module, call, [part for _, part in members], expected)
            each = [_same(module, call, [p], expected) for _, p in members if found is None]
            other = [path for (path, _), one in zip(members, each, strict=False) if one is None]
            kept += chain(found or (), *(one or () for one in each))
            if other:
                more = f" and {len(other) - 1} more" if len(other) > 1 else ""
                lost.append(f"{other[0] or 'the network'} ({kind.__name__}){more}")
        return TrainingOnly(kept, lost)


def _reads_mode(part: Module) -> bool:
    """Tell whether the code of a module, as far as it is not PyTorch's own, reads its mode.

    A BatchNorm with more to it, as timm has it, is kept as a BatchNorm.
    """
    if isinstance(part, _NormBase):
        return False
    own = (kind for kind in type(part).__mro__ if not kind.__module__.startswith("torch."))
    methods = (method for kind in own for name, method in vars(kind).items() if name != "train")
    plain = (inspect.unwrap(method) for method in methods if isinstance(method, FunctionType))
    return any("training" in method.__code__.co_names for method in plain)


def _same(
    module: Module, call: Call, parts: Sequence[Module], expected: Sequence[torch.Tensor]
) -> list[Module] | None:
    """Return which modules attend with a dropout; None if the outputs are other ones."""
    try:
        found, attention = _outputs(module, call, parts)
    except Exception:  # whatever a network raises in training, it is another one there
        return None
    same = len(found) == len(expected) and all(
        one.shape == other.shape and torch.allclose(one, other, equal_nan=True)
        for one, other in zip(found, expected, strict=True)
    )
    return attention if same else None


def _outputs(
    module: Module, call: Call, parts: Sequence[Module]
) -> tuple[list[torch.Tensor], list[Module]]:
    """Call a network with some of its modules in training and nothing dropped."""
    running: list[Module] = []
    with ExitStack() as stack:
        for buffer in module.buffers():  # in training a module may count, or average
            stack.callback(buffer.copy_, buffer.clone())
        for part in parts:
            part.training = True
            stack.callback(setattr, part, "training", False)
            for hook in (
                part.register_forward_pre_hook(partial(_enter, running)),
                part.register_forward_hook(partial(_leave, running), always_call=True),
            ):
                stack.callback(hook.remove)
        with _Certain(running) as mode:
            returned = module(*call.positional, **call.named)
    return [leaf.tensor for leaf in leaves(returned, "")], mode.attention


def _enter(running: list[Module], part: Module, _: object) -> None:
    running.append(part)


def _leave(running: list[Module], *_: object) -> None:
    running.pop()


class _Certain(TorchFunctionMode):
    """Drops nothing by dropout, and everything by chance.

    Args:
        running: The modules that run, filled by their hooks.
    """

    def __init__(self, running: Sequence[Module]) -> None:
        super().__init__()
        self.attention: list[Module] = []
        self._running = running

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Call a function of PyTorch."""
        named = dict(kwargs or {})
        if func in DROPS:
            return args[0] if args else named["input"]
        if func is ATTENTION:
            given = args[DROPOUT_P] if len(args) > DROPOUT_P else named.get("dropout_p", 0.0)
            if given and self._running and self._running[-1] not in self.attention:
                self.attention.append(self._running[-1])
            if len(args) > DROPOUT_P:
                args = (*args[:DROPOUT_P], 0.0, *args[DROPOUT_P + 1 :])
            named.pop("dropout_p", None)
            return func(*args, **named)
        result = func(*args, **named)
        if getattr(func, "__name__", "") in CHANCE:
            sure = "bernoulli" in func.__name__ and (result == 1).all()
            return result if sure else result.zero_()
        return result
