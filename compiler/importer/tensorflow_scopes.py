"""What tf2onnx tells of Keras layers, in node names: `model/conv2d_1/Conv2D`."""

import re

import onnx_ir as ir

from ..ir.provenance import Module, origins, set_scope
from .paths import is_path

CALL = re.compile(r"(Stateful)?PartitionedCall(_\d+)?")
"""How TensorFlow calls a function; no layer."""


def read(model: ir.Model) -> None:
    """Store scopes of a model that tf2onnx wrote; the outermost name, the model's, is the root."""
    layers = {node: _layers(origins(node)[0]) for node in model.graph.all_nodes()}
    roots = {names[0] for names in layers.values() if names}
    for node, names in layers.items():
        if names is None:
            continue
        inner = names[1:] if len(roots) == 1 else names
        paths = [".".join(inner[:depth]) for depth in range(len(inner) + 1)]
        if not inner or is_path(paths[-1]):
            set_scope(node, tuple(Module(path) for path in paths))


def _layers(name: str) -> list[str] | None:
    """Return the scopes of a node's name, None if it has none.

    A node that TensorFlow Lite fused has several names, `a/b/Conv2D;a/b/BiasAdd`.
    """
    parts = name.partition(";")[0].split("/")[:-1]
    layers: list[str] = []
    for part in parts:
        if not CALL.fullmatch(part) and layers[-1:] != [part.replace(".", "_")]:
            layers.append(part.replace(".", "_"))
    return layers if parts else None
