"""Where nodes and weights come from, as each exporter tells it, in the one form of provenance."""

from typing import Literal, TypeAlias

import onnx_ir as ir

from ..ir.provenance import set_stored_keys
from . import dynamo_scopes, legacy_scopes, tensorflow_scopes, told
from .unscoped import place_unscoped

Exporter: TypeAlias = Literal["dynamo", "legacy", ""]


def read_provenance(model: ir.Model) -> Exporter:
    """Store the scope of every node and the state_dict key of every initializer that has one.

    Args:
        model: A flat model; its metadata_props are added to.

    Returns:
        Which of PyTorch's exporters wrote the file; empty for any other producer.
    """
    exporter = _exporter(model)
    if exporter == "dynamo":
        dynamo_scopes.read(model)
    elif exporter == "legacy":
        legacy_scopes.read(model)
    elif model.producer_name == "tf2onnx":
        tensorflow_scopes.read(model)
    told.read(model)
    place_unscoped(model.graph)
    set_stored_keys(model)
    return exporter


def _exporter(model: ir.Model) -> Exporter:
    names: list[str] = []
    for node in model.graph.all_nodes():
        if dynamo_scopes.SCOPES in node.metadata_props:
            return "dynamo"
        names.append(node.name or "")
    if any(name.startswith("/") for name in names):
        return "legacy"
    from_torch = model.producer_name == "pytorch"
    return "legacy" if from_torch and not any(n.startswith("node_") for n in names) else ""
