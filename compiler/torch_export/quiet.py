"""Dropout switched off: a network in training mode that computes the same each time."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any
from unittest.mock import patch

RANDOM = (
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
)
"""Functions of torch.nn.functional that drop elements with a probability `p`."""

DROPPING = ("dropout", "drop_prob", "drop_path_prob")
"""Attributes of modules that hold a probability of dropping something, all of them numbers."""


def drop_nothing(module: Any) -> None:
    """Set every probability of dropping something to zero."""
    for part in module.modules():
        for name in DROPPING:
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)
        if "Drop" in type(part).__name__ or type(part).__name__ == "StochasticDepth":
            part.p = 0.0


@contextmanager
def quiet() -> Generator[None]:
    """Let PyTorch's functions drop nothing, whatever probability a module passes to them."""
    functional: Any = import_module("torch.nn.functional")

    scaled: Callable[..., Any] = functional.scaled_dot_product_attention

    def attention(
        q: Any, k: Any, v: Any, mask: Any = None, dropout: float = 0.0, *rest: Any, **others: Any
    ) -> Any:
        others.pop("dropout_p", None)
        return scaled(q, k, v, others.pop("attn_mask", mask), 0.0, *rest, **others)

    def nothing(input: Any, *_: object, **__: object) -> Any:
        return input

    with ExitStack() as stack:
        for name in RANDOM:
            stack.enter_context(patch.object(functional, name, nothing))
        stack.enter_context(patch.object(functional, "scaled_dot_product_attention", attention))
        yield
