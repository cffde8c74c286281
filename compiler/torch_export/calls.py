"""How a PyTorch module is called, and the tensors in what goes in and comes out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, cast

from ..ir.errors import Onnx2msError, UsageError


def tensors_of(value: object) -> Iterator[Any]:
    """Yield the tensors of a structure in the order in which an exporter numbers them."""
    if hasattr(value, "detach"):
        yield value
    elif isinstance(value, Mapping):
        for member in cast("Mapping[object, object]", value).values():
            yield from tensors_of(member)
    elif isinstance(value, (list, tuple)):
        for member in cast("Sequence[object]", value):
            yield from tensors_of(member)
    elif is_dataclass(value) and not isinstance(value, type):
        for member in fields(value):
            yield from tensors_of(getattr(value, member.name))


class Call:
    """How a module is called: its arguments, whose tensors can be exchanged."""

    def __init__(self, given: object) -> None:
        self._arguments: Sequence[object] = ()
        self._keywords: Mapping[str, object] = {}
        if isinstance(given, Mapping):
            self._keywords = cast("Mapping[str, object]", given)
        else:
            self._arguments = (
                cast("tuple[object, ...]", given) if isinstance(given, tuple) else (given,)
            )
        self.tensors = [*tensors_of(self._arguments), *tensors_of(self._keywords)]
        if not self.tensors:
            raise UsageError(
                "the module is called without tensors",
                help="let the factory return the module and a tuple of example inputs",
            )

    def __call__(self, module: Any, tensors: Sequence[Any]) -> list[Any]:
        """Call a module with other tensors; return those among its outputs.

        Raises:
            Onnx2msError: It cannot be called so.
        """
        left = iter(tensors)
        arguments = [self._filled(item, left) for item in self._arguments]
        keywords = {name: self._filled(item, left) for name, item in self._keywords.items()}
        try:
            return list(tensors_of(module(*arguments, **keywords)))
        except Exception as error:
            state = "training" if module.training else "inference"
            raise Onnx2msError(
                f"the module cannot be called in {state} mode: {type(error).__name__}: {error}",
                help="its example inputs must fit both modes; of a batch of one BatchNorm may"
                " have nothing to average",
            ) from error

    def _filled(self, value: object, left: Iterator[Any]) -> object:
        if hasattr(value, "detach"):
            return next(left)
        if isinstance(value, Mapping):
            items = cast("Mapping[str, object]", value).items()
            return {name: self._filled(member, left) for name, member in items}
        if isinstance(value, (list, tuple)):
            members = [self._filled(member, left) for member in cast("Sequence[object]", value)]
            return members if isinstance(value, list) else tuple(members)
        return value
