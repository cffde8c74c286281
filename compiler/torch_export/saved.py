"""Files that torch.save writes."""

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch

from ..checkpoints.stored import Stored, damaged
from ..ir.errors import ModelError, quoted
from ..ir.graph import Array
from .network import array_of, tensor_of

WRAPPED = ("state_dict", "model_state_dict", "model", "net", "module", "params")
"""Under which keys training programs put the state_dict."""


def read_saved(path: Path) -> dict[str, Stored]:
    """Return the tensors of a file that torch.save wrote; no code in it is run.

    Args:
        path: The file; the state_dict in it may stand inside of what else a program saves.

    Raises:
        ModelError: It is damaged, or holds more than tensors.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unusual pickles; errors tell what cannot be read
            content: object = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{quoted(str(path), 4096)} holds more than tensors, and to load that could run code",
            help="save the weights alone: torch.save(net.state_dict(), path)",
        ) from error
    except (RuntimeError, EOFError, KeyError, ValueError, AttributeError) as error:
        raise damaged(path) from error
    return {name: _stored(tensor) for name, tensor in _state_dict(content, path).items()}


def _state_dict(content: object, path: Path) -> dict[str, torch.Tensor]:
    """Return the state_dict in a checkpoint, out of what may be around it."""
    for _ in range(len(WRAPPED)):  # a pickle may hold itself
        if not isinstance(content, Mapping):
            break
        entries = cast("Mapping[object, object]", content)
        inner = next((entries[k] for k in WRAPPED if isinstance(entries.get(k), Mapping)), None)
        if inner is None:
            tensors = {str(k): v for k, v in entries.items() if isinstance(v, torch.Tensor)}
            if tensors:
                return tensors
        content = inner
    raise ModelError(
        f"{quoted(str(path), 4096)} holds no state_dict",
        help="save the weights: torch.save(net.state_dict(), path)",
    )


def _stored(tensor: torch.Tensor) -> Stored:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return Stored(tuple(tensor.shape), dtype, lambda: array_of(tensor))


def save(tensors: Mapping[str, Array], path: Path) -> None:
    """Write a state_dict as torch.save does.

    Args:
        tensors: Arrays by key.
        path: A new file.
    """
    torch.save({key: tensor_of(array) for key, array in tensors.items()}, path)
