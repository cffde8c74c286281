"""Where every parameter of the network comes from, for the file `weight_map.json`."""

import json
from collections.abc import Iterable, Mapping

from ..base import Weight
from .dtypes import NAMES

VERSION = 1
"""Version of the file's form; it grows when a program that reads it has to change."""


def weight_map(weights: Iterable[Weight], missing: Mapping[str, str]) -> str:
    """Return weight_map.json as text: `version`, `parameters` and `not in file`.

    A parameter has a `name` in MindSpore, the `initializer` of the ONNX file and the key of
    PyTorch's `state_dict` (null, with a `reason`, where there is none), `shape`, `dtype` and
    `done`: the steps from the file's value to this one, or `as is`. `moves` are those from
    PyTorch's tensor, for programs: its `shape` there and `steps`, ["transpose", permutation] or
    ["reshape", shape]; they are left out where they are not known. `tied` are other keys of the
    same parameter. Parameters stand in the order of the source.

    Args:
        weights: The parameters.
        missing: Keys of the state_dict that the file tells but does not hold, with the reason.
    """
    content = {
        "version": VERSION,
        "parameters": [_entry(weight) for weight in weights],
        "not in file": missing,
    }
    return json.dumps(content, indent=1) + "\n"


def _entry(weight: Weight) -> Mapping[str, object]:
    moves = weight.moves
    reason = {} if weight.state_dict is not None else {"reason": _reason(weight)}
    return {
        "name": weight.name,
        "initializer": weight.initializer or None,
        "state_dict": weight.state_dict,
        **reason,
        "shape": list(weight.shape),
        "dtype": NAMES.get(weight.dtype, weight.dtype.name.lower()),
        "done": list(weight.done) or ["as is"],
        **({"moves": {"shape": moves.shape, "steps": moves.steps}} if moves else {}),
        **({"tied": weight.tied} if weight.tied else {}),
    }


def _reason(weight: Weight) -> str:
    """Return why a parameter has no key in the state_dict."""
    folded = next((step for step in weight.done if "folded" in step), None)
    if folded:
        return f"not in the state_dict: {folded}"
    if not weight.initializer:
        return "the compiler made it"
    return "the file does not tell"
