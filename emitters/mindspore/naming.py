"""Names for the source: identifiers only, never text of the model as it stands."""

import keyword
import re
from collections.abc import Collection

from .attention_source import ATTENTION
from .function_source import HELPERS

TAKEN = (
    frozenset(HELPERS)
    | {"self", "ms", "nn", "ops", "np", "Path", "Tensor", "Parameter", "Callable"}
    | {ATTENTION}
)
"""What the generated module uses itself."""

CELL_ATTRIBUTES = frozenset(
    {
        "add_flags", "cells", "cls_name", "compile", "construct", "data", "exec_checkpoint_graph",
        "flags", "init_parameters_data", "insert_child_to_cell", "insert_param_to_cell", "jit",
        "name", "name_cells", "param_prefix", "parameters_dict", "phase", "pynative", "recompute",
        "requires_grad", "set_grad", "set_inputs", "set_train", "to_float", "trainable_params",
        "training", "update_parameters_name",
    }
)  # fmt: skip
"""Attributes of `nn.Cell` that a child of the same name would hide."""

LONGEST = 40


def identifier(text: str, default: str = "value") -> str:
    """Return a valid lower-case name made of what is printable in `text`.

    A keyword or a name of the generated module's own gets an underscore; what starts with a
    digit gets the default in front.
    """
    words = re.sub(r"[^0-9a-zA-Z]+", "_", text).strip("_")
    words = re.sub(r"__+", "_", words)[:LONGEST].rstrip("_")
    if not words:
        return default
    if words[0].isdigit():
        words = f"{default}_{words}"
    name = words if not words.isupper() else words.lower()
    return f"{name}_" if keyword.iskeyword(name) or name in TAKEN else name


def attribute(text: str) -> str:
    """Return the name of a child cell or parameter: `0` stays, for lists and sequences."""
    if text.isdigit() and text.isascii():
        return str(int(text))
    name = identifier(text, "layer")
    return f"{name}_" if name in CELL_ATTRIBUTES else name


def class_name(text: str, default: str = "Network") -> str:
    """Return a class name in CapWords; letters that are capital stay so (`BatchNormReLU`)."""
    words = re.findall(r"[0-9a-zA-Z]+", text)
    name = "".join(word[0].upper() + word[1:] for word in words)[:LONGEST]
    if not name:
        return default
    if name[0].isdigit():
        name = default + name
    return f"{name}_" if keyword.iskeyword(name) else name


def singular(word: str) -> str:
    """Return `Layer` for `Layers`, `Branch` for `Branches`."""
    if re.search(r"(ch|sh|x|ss)es$", word):
        return word[:-2]
    return word[:-1] if re.search(r"[^s]s$", word) else word


def unique(wish: str, taken: Collection[str]) -> str:
    """Return a name that is not taken: `conv`, then `conv_2`, `conv_3`."""
    if wish not in taken:
        return wish
    return next(name for i in range(2, len(taken) + 3) if (name := f"{wish}_{i}") not in taken)
