"""A network that the user's own code makes, named `package.module:factory`."""

import importlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeGuard, cast

from ..ir.errors import Onnx2msError, UsageError, closest, quoted
from .extra import need_torch

if TYPE_CHECKING:
    import torch

FORM = "write package.module:factory, such as my_project.models:build"


@dataclass(frozen=True)
class Made:
    """What a factory made.

    Attributes:
        module: The network.
        example_inputs: What to call it with: a tensor, a tuple of positional arguments or a
            dictionary of keyword arguments; None where the factory returned the network alone.
    """

    module: "torch.nn.Module"
    example_inputs: object = None

    @property
    def given(self) -> object:
        """The example inputs.

        Raises:
            UsageError: The factory returned the network alone.
        """
        if self.example_inputs is None:
            raise UsageError(
                "the network is made without example inputs",
                help="give one for each argument, --input 1,3,224,224:float32, or let the factory"
                " return a pair: the network and its example inputs",
            )
        return self.example_inputs


def load_factory(text: str) -> Made:
    """Import the user's module from the working directory and call its factory.

    This runs the user's code. The working directory stays the first place of imports, as with
    `python -m`, for what that code imports later.

    Args:
        text: `package.module:factory`. The factory is a function or class that needs no arguments
            and returns a torch.nn.Module, or a pair of it and example inputs; or it is the module
            itself.

    Raises:
        UsageError: There is nothing of that name, or it makes something else.
        Onnx2msError: PyTorch is not installed, or the user's code raised an error.
    """
    name, colon, attribute = text.partition(":")
    if not colon or not all(map(str.isidentifier, (*name.split("."), *attribute.split(".")))):
        raise UsageError(f"{quoted(text)} does not name a factory", help=FORM)
    need_torch()
    here = str(Path.cwd())
    if sys.path[:1] != [here]:
        sys.path.insert(0, here)
    found = _attribute(_import(name), attribute)
    if _is_module(found) or not callable(found):
        return _made(found, text)
    factory = cast("Callable[[], object]", found)
    try:
        made = factory()
    except (Exception, SystemExit) as error:
        raise _failed(f"{quoted(text)} failed", error, f"{name}.{attribute}()", name) from error
    return _made(made, text)


def _import(name: str) -> ModuleType:
    """Import a module of the user's."""
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        own = isinstance(error, ModuleNotFoundError) and error.name
        if own and (name == own or name.startswith(f"{own}.")):
            raise UsageError(
                f"there is no Python module {quoted(own)} in {quoted(str(Path.cwd()), 4096)},"
                " nor is it installed",
                help=f"run it in the folder that holds it; {FORM}",
            ) from error
        raise _failed(f"importing {quoted(name)} failed", error, "", name) from error


def _attribute(module: ModuleType, path: str) -> object:
    """Return what a dotted name of a module stands for."""
    found: object = module
    for part in path.split("."):
        if not hasattr(found, part):
            owner = quoted(module.__name__)
            raise UsageError(f"{owner} has no {quoted(path)}{closest(part, dir(found))}", help=FORM)
        found = getattr(found, part)
    return found


def _made(made: object, text: str) -> Made:
    """Return what a factory made, checked."""
    kind = type(made).__name__
    if _is_module(made):
        return Made(made)
    if isinstance(made, tuple):
        module, *inputs = cast("tuple[object, ...]", made) or (None,)
        if len(inputs) == 1 and _is_module(module):
            return Made(module, inputs[0])
    raise UsageError(
        f"{quoted(text)} gives {kind}, not a torch.nn.Module",
        help="let it return the network, or a pair: the network and its example inputs",
    )


def _is_module(found: object) -> "TypeGuard[torch.nn.Module]":
    """Tell whether an object is a network of PyTorch's."""
    import torch

    return isinstance(found, torch.nn.Module)


def _failed(what: str, error: BaseException, call: str, name: str) -> Onnx2msError:
    """Return the message for an error of the user's code, with its line."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not Path(f.filename).is_relative_to(Path(__file__).parent)]
    own = [f for f in own if not f.filename.startswith("<frozen ")]
    at = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    script = f"import {name}; {call}" if call else f"import {name}"
    return Onnx2msError(
        f"{what}: {type(error).__name__}: {error}{at}",
        help=f'python -c "{script}" shows where',
    )
