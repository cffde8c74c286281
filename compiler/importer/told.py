"""What onnx2ms itself writes into a model that it exports: what PyTorch's exporters leave out."""

import json
from collections.abc import Mapping
from typing import TypeGuard, cast

import onnx_ir as ir

from ..ir.provenance import (
    KEY,
    ROLE,
    TIED,
    TOLD,
    Module,
    history_of,
    missing_keys,
    scope_of,
    set_missing_keys,
    set_scope,
)
from .exporter_words import FOLDED, UNUSED
from .paths import is_path


def read(model: ir.Model) -> None:
    """Store what is told of modules and weights, over what the exporter's names say.

    It is JSON of `classes` (by path of the module), `trained`, `frozen` and `buffers` (keys of the
    state_dict) and `tied` (of a key, the other keys of the same parameter).

    Args:
        model: A flat model; of another's file the entry is not there.
    """
    told = _content(model.metadata_props.get(TOLD, ""))
    classes = _strings(told.get("classes"))
    for node in model.graph.all_nodes():
        if scope := scope_of(node):
            known = (Module(m.path, classes.get(m.path, m.class_name)) for m in scope)
            set_scope(node, tuple(known))
    roles = {
        key: role
        for role in ("trained", "frozen", "buffers")
        for key in _list(told.get(role))
        if is_path(key)
    }
    tied = told.get("tied")
    others: Mapping[str, object] = tied if _is_mapping(tied) else {}
    for name, value in model.graph.initializers.items():
        if name in roles and FOLDED not in history_of(value):
            value.metadata_props[KEY] = name
            value.metadata_props[ROLE] = roles[name]
            if keys := [key for key in _list(others.get(name)) if is_path(key)]:
                value.metadata_props[TIED] = json.dumps(keys)
    held = {value.metadata_props.get(KEY) for value in model.graph.initializers.values()}
    held |= {key for name in held for key in _list(others.get(name or ""))}
    if roles:
        reasons = missing_keys(model)
        lost = {key: reasons.get(key, UNUSED) for key in roles if key not in held}
        set_missing_keys(model, lost)


def _content(text: str) -> Mapping[str, object]:
    try:
        content: object = json.loads(text) if text else {}
    except ValueError:
        return {}
    return content if _is_mapping(content) else {}


def _is_mapping(content: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(content, dict)


def _strings(content: object) -> dict[str, str]:
    pairs = content.items() if _is_mapping(content) else ()
    return {key: value for key, value in pairs if isinstance(value, str)}


def _list(content: object) -> list[str]:
    members = cast("list[object]", content) if isinstance(content, list) else []
    return [member for member in members if isinstance(member, str)]
