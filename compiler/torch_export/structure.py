"""Python structures of tensors as flat lists, in the order in which they were written.

A network takes and returns tensors in tuples, dictionaries and dataclasses; an ONNX model, and
`construct`, take and return one tensor after the other.
"""

# PyTorch's own types are partial:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import copy
import dataclasses
import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ..ir.errors import UsageError

if TYPE_CHECKING:
    import torch

FORMS = (
    "give a tensor, a tuple of what forward takes by position, or a dictionary of what it takes by"
    " name"
)


@dataclass(frozen=True)
class Leaf:
    """A tensor in a structure.

    Attributes:
        place: Where it stands, as Python writes it: `past[0]['key']`.
        tensor: It.
    """

    place: str
    tensor: "torch.Tensor"


@dataclass(frozen=True)
class Call:
    """What a network is called with.

    Attributes:
        positional: Arguments by position.
        named: Arguments by name.
        places: For each argument, positional ones first, its name in `forward`.
    """

    positional: tuple[object, ...]
    named: Mapping[str, object]
    places: tuple[str, ...]

    def leaves(self) -> list[Leaf]:
        """Return the tensors in the order of the call."""
        values = (*self.positional, *self.named.values())
        return [
            leaf
            for place, value in zip(self.places, values, strict=True)
            for leaf in leaves(value, place)
        ]

    def filled(self, tensors: Sequence["torch.Tensor"]) -> "Call":
        """Return the same call with other tensors, in the order of `leaves`."""
        rest = iter(tensors)
        return Call(
            tuple(_filled(value, rest) for value in self.positional),
            {name: _filled(value, rest) for name, value in self.named.items()},
            self.places,
        )


def call_of(forward: Callable[..., object], example_inputs: object) -> Call:
    """Return how a network is called with example inputs.

    Args:
        forward: The method; it says the names of the arguments.
        example_inputs: A tensor, a tuple or list of positional arguments, or a dictionary of
            arguments by name.

    Raises:
        UsageError: They are something else, hold no tensor or do not fit `forward`.
    """
    positional: tuple[object, ...] = ()
    named: dict[str, object] = {}
    if isinstance(example_inputs, Mapping):
        named = {str(k): v for k, v in cast("Mapping[object, object]", example_inputs).items()}
    elif isinstance(example_inputs, (tuple, list)):
        positional = tuple(cast("Sequence[object]", example_inputs))
    else:
        positional = (example_inputs,)
    try:
        bound = inspect.signature(forward).bind(*positional, **named)
    except TypeError as error:
        raise UsageError(f"the example inputs do not fit forward: {error}", help=FORMS) from error
    call = Call(positional, named, tuple(_names(bound, positional, named)))
    if not call.leaves():
        raise UsageError("the example inputs hold no tensor", help=FORMS)
    return call


def leaves(value: object, place: str) -> Iterator[Leaf]:
    """Yield the tensors of a structure in its order; numbers, strings and None are none.

    Args:
        value: Tensors in tuples, lists, mappings and dataclasses, in any depth.
        place: Where the structure stands, as Python writes it.
    """
    import torch

    if isinstance(value, torch.Tensor):
        yield Leaf(place, value)
    for key, member in _members(value):
        yield from leaves(member, f"{place}{key}")


def left_out(value: object, place: str) -> Iterator[str]:
    """Yield what a structure holds beside tensors and None, with its place: `[1], a DynamicCache`.

    Args:
        value: What a network returned.
        place: Where it stands, as Python writes it.
    """
    import torch

    members = _members(value)
    for key, member in members:
        yield from left_out(member, f"{place}{key}")
    empty = value is None or isinstance(value, (Mapping, tuple, list, torch.Tensor))
    if not members and not empty:
        yield f"{place or 'all'}, a {type(value).__name__}"


def names_of(places: Sequence[str], taken: Collection[str], word: str) -> list[str]:
    """Return a name for each place, a distinct identifier: `past_0_key` for `past[0]['key']`.

    Args:
        places: Where tensors stand, as Python writes it.
        taken: Names that others have.
        word: What stands before a number, and for the structure itself.
    """
    names: list[str] = []
    for place in places:
        wish = re.sub(r"\W+", "_", place, flags=re.ASCII).strip("_")
        wish = wish if wish.isidentifier() else "_".join(filter(None, (word, wish)))
        name, number = wish, 1
        while name in taken or name in names:
            number += 1
            name = f"{wish}_{number}"
        names.append(name)
    return names


def _names(
    bound: inspect.BoundArguments, positional: Sequence[object], named: Mapping[str, object]
) -> Iterator[str]:
    """Yield the name in `forward` of each argument of a call."""
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = bound.signature.parameters.values()
    single = [p.name for p in parameters if p.kind in by_position]
    several = [p.name for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL]
    for index in range(len(positional)):
        rest = index - len(single)
        yield single[index] if rest < 0 else f"{several[0]}[{rest}]"
    yield from named


def _members(value: object) -> list[tuple[str, object]]:
    """Return what a structure holds, each with how Python reaches it; nothing of anything else."""
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return [(f"[{key!r}]", member) for key, member in items]
    if isinstance(value, (tuple, list)):
        members = cast("Sequence[object]", value)
        fields = cast("Sequence[str] | None", getattr(members, "_fields", None))
        keys = (
            [f".{name}" for name in fields] if fields else [f"[{i}]" for i in range(len(members))]
        )
        return list(zip(keys, members, strict=True))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f".{f.name}", getattr(value, f.name)) for f in dataclasses.fields(value)]
    return []


def _filled(value: object, rest: Iterator["torch.Tensor"]) -> object:
    """Return a structure with other tensors in the places of its own."""
    import torch

    if isinstance(value, torch.Tensor):
        return next(rest)
    members = [_filled(member, rest) for _, member in _members(value)]
    if not members:
        return value
    if isinstance(value, Mapping):
        new = copy.copy(cast("dict[object, object]", value))
        new.update(zip(list(new), members, strict=True))
        return new
    if isinstance(value, (tuple, list)):
        make = cast("Callable[[list[object]], object]", getattr(value, "_make", type(value)))
        return make(members)
    assert dataclasses.is_dataclass(value), "nothing else has members"
    assert not isinstance(value, type), "nothing else has members"
    names = [field.name for field in dataclasses.fields(value)]
    return dataclasses.replace(value, **dict(zip(names, members, strict=True)))
