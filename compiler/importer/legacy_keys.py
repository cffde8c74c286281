"""Which keys of the state_dict the weights of torch.onnx.export(dynamo=False) bear."""

import re
from collections.abc import Iterator, Mapping, Sequence

import onnx_ir as ir

from ..ir.graph import is_constant, rank_of
from ..ir.provenance import KEY, add_history, set_missing_keys
from .exporter_words import FOLDED, RESHAPED, TRANSPOSED, set_changed_key
from .paths import parents

ANONYMOUS = re.compile(r"onnx::\w+_\d+")
KEY_LIKE = re.compile(r"\w+(\.\w+)*", re.ASCII)
SHAPES = ("Constant", "Shape")
"""Operators that say of a layer only what its sizes are."""

CONVOLUTIONS = ("Conv", "ConvTranspose")

LAYERS: Mapping[tuple[str, ...], Mapping[str, tuple[str, str]]] = {
    ("MatMul",): {"MatMul": ("weight", TRANSPOSED)},
    ("MatMul", "Add"): {"MatMul": ("weight", TRANSPOSED)},
    ("PRelu",): {"PRelu": ("weight", RESHAPED)},
    ("Reshape", "InstanceNormalization", "Reshape", "Mul", "Add"): {
        "Mul": ("weight", RESHAPED),
        "Add": ("bias", RESHAPED),
    },
}
"""By the operators of a module that is one layer: whose constant is which parameter, and how it
was changed. These are Linear on more than two dimensions, PReLU and GroupNorm."""


def read_keys(model: ir.Model, paths: Mapping[ir.Node, str]) -> None:
    """Store the state_dict keys of initializers that hold what the state_dict holds.

    Args:
        model: A model that PyTorch's TorchScript exporter wrote.
        paths: The module of each node that tells it.
    """
    if model.producer_name == "pytorch":
        _read_names(model, paths)
        layers: dict[str, list[ir.Node]] = {}
        for node, path in paths.items():
            if node.op_type not in SHAPES:
                layers.setdefault(path, []).append(node)
        for path, nodes in layers.items():
            if path:
                _read_changed(path, nodes)
    missing: dict[str, str] = {}
    for node, value in _folded(model):
        add_history(value, FOLDED)
        if paths.get(node):
            missing[f"{paths[node]}.weight"] = FOLDED
    set_missing_keys(model, missing)


def _read_names(model: ir.Model, paths: Mapping[ir.Node, str]) -> None:
    """Store the keys that are names of initializers: of those that were not computed.

    Computed ones are called `onnx::MatMul_15` or, in old files, `15` and `x.15`. A module that is
    called from elsewhere than its parent bears its own name alone (`/fc/Gemm`), its weights all of
    it (`head.fc.weight`).
    """
    known = {"", *paths.values(), *(above for path in paths.values() for above in parents(path))}
    for value in model.graph.initializers.values():
        name = value.name or ""
        module, _, leaf = name.rpartition(".")
        readers = {paths.get(node) for node in value.consumers()}
        in_module = module in known or any(path and module.endswith(f".{path}") for path in readers)
        is_key = in_module if paths else bool(module) and not leaf.isdecimal()
        if is_key and KEY_LIKE.fullmatch(name) and not name.isdecimal():
            value.metadata_props[KEY] = name


def _read_changed(path: str, nodes: Sequence[ir.Node]) -> None:
    """Store the keys of a layer's weights that the exporter computed from its parameters."""
    parameters = LAYERS.get(tuple(node.op_type for node in nodes), {})
    read = [(node.op_type, v) for node in nodes for v in node.inputs if v and is_constant(v)]
    if any(KEY in value.metadata_props and not _is_of(path, value) for _, value in read):
        return
    for op_type, value in read:
        leaf, step = parameters.get(op_type, ("", ""))
        flat = op_type != "MatMul" or rank_of(value) == 2
        if leaf and flat and ANONYMOUS.fullmatch(value.name or ""):
            set_changed_key(value, f"{path}.{leaf}", step)


def _is_of(path: str, value: ir.Value) -> bool:
    return value.metadata_props[KEY].rpartition(".")[0] == path


def _folded(model: ir.Model) -> Iterator[tuple[ir.Node, ir.Value]]:
    """Yield convolutions and the weights of theirs that hold a BatchNorm.

    Of a convolution with weight_norm only the weight is computed, not its bias.
    """
    for node in model.graph.all_nodes():
        computed = [v for v in node.inputs[1:3] if v and ANONYMOUS.fullmatch(v.name or "")]
        if node.op_type in CONVOLUTIONS and len(computed) == 2:
            yield from ((node, value) for value in computed if is_constant(value))
