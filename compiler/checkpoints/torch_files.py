"""Checkpoints of PyTorch's: one file or several with an index, wrapped or not."""

import json
from collections.abc import Mapping
from pathlib import Path

from ..ir.errors import ModelError, UsageError, quoted
from ..torch_export.extra import need_torch
from .stored import Stored, damaged, read_ckpt, read_safetensors

PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before each key."""


def read_checkpoint(path: Path) -> dict[str, Stored]:
    """Return the tensors of a checkpoint of PyTorch's or MindSpore's by name.

    Nothing in it is run: of a pickle tensors and containers alone are read.

    Args:
        path: A .safetensors, .ckpt, .pth, .pt or .bin file, the index of several (`….index.json`),
            or a folder with one index.

    Raises:
        UsageError: There is no such file.
        ModelError: It is no checkpoint, is damaged, or holds more than tensors.
        Onnx2msError: PyTorch is needed to read it and not installed.
    """
    if path.is_dir():
        indices = sorted(path.glob("*.index.json"))
        if len(indices) != 1:
            raise UsageError(
                f"{quoted(str(path), 4096)} holds {len(indices)} files *.index.json, not one",
                help="name the checkpoint, or the index of its parts",
            )
        path = indices[0]
    if not path.is_file():
        raise UsageError(f"{quoted(str(path), 4096)}: no such file", help="check the path")
    try:
        if path.suffix == ".json":
            return _parts(path)
        if path.suffix == ".safetensors":
            return read_safetensors(path)
        if path.suffix == ".ckpt":
            return read_ckpt(path)
        need_torch()
        from ..torch_export.saved import read_saved

        return read_saved(path)
    except OSError as error:
        raise ModelError(f"{quoted(str(path), 4096)} cannot be read: {error.strerror}") from error


def without_prefix(tensors: Mapping[str, Stored], keys: set[str]) -> dict[str, Stored]:
    """Return tensors without a prefix that all of their names have, and not all keys.

    Args:
        tensors: By the name in the checkpoint.
        keys: Those that are expected.
    """
    found = dict(tensors)
    for prefix in PREFIXES:
        common = bool(found) and all(name.startswith(prefix) for name in found)
        if common and not all(key.startswith(prefix) for key in keys):
            found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return found


def _parts(index: Path) -> dict[str, Stored]:
    """Return the tensors of several files."""
    try:
        names: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        files = set(names.values())
        if any(Path(file).name != file for file in files):
            raise ValueError("a part lies elsewhere")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(index) from error
    tensors: dict[str, Stored] = {}
    for file in sorted(files):
        tensors |= read_checkpoint(index.with_name(file))
    missing = sorted(names.keys() - tensors.keys())
    if missing:
        raise ModelError(
            f"{quoted(missing[0])} of {quoted(index.name)} is in none of its files",
            help="copy or download all of them again",
        )
    return tensors
