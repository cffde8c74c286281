"""What torch.onnx.export(dynamo=False) tells of modules, in names alone."""

import re

import onnx_ir as ir

from ..ir.graph import is_constant, operand
from ..ir.provenance import Module, origins, set_scope
from .legacy_keys import read_keys
from .paths import is_path

REPEATED = re.compile(r"(.+)_\d+")
PLAIN = {
    ir.AttributeType.INT,
    ir.AttributeType.INTS,
    ir.AttributeType.FLOAT,
    ir.AttributeType.FLOATS,
    ir.AttributeType.STRING,
    ir.AttributeType.STRINGS,
}

Components = tuple[str, ...]


def read(model: ir.Model) -> None:
    """Store scopes and state_dict keys of a model that PyTorch's TorchScript exporter wrote.

    A node is called `/layer1/layer1.0/conv1/Conv`: components and the operator. The classes of
    modules are not told.
    """
    components = {node: _components(node) for node in model.graph.all_nodes()}
    paths = _paths(components)
    for node, names in components.items():
        if names is not None:
            chain = [paths[names[:depth]] for depth in range(len(names) + 1)]
            set_scope(node, tuple(Module(path) for path in chain))
    read_keys(
        model, {node: paths[names] for node, names in components.items() if names is not None}
    )


def _components(node: ir.Node) -> Components | None:
    """Return the modules of a node's name; None where it has none: `Constant_455`."""
    for name in (node.name or "", *origins(node)):
        if name.startswith("/"):
            names = name[1:].split("/")[:-1]
            return tuple(names) if not names or is_path(".".join(names)) else None
    return None


def _paths(components: dict[ir.Node, Components | None]) -> dict[Components, str]:
    """Return the path of each module.

    A child of a Sequential repeats it (`/layer1/layer1.0`), an element of a ModuleList does not
    (`/encoder/layer.0`). The second call of a module has a suffix (`relu_1`), and so may a module
    by its own name: that one has weights or attributes of its own.
    """
    traits: dict[Components, set[object]] = {}
    for node, names in components.items():
        if names is not None:
            own = {_signature(node), *filter(_is_weight, node.inputs)}
            for depth in range(len(names) + 1):
                traits.setdefault(names[:depth], set()).update(own)
    paths: dict[Components, str] = {}
    for names in sorted(traits, key=len):
        paths[names] = _path(_first_call(names, traits), paths) if names else ""
    return paths


def _signature(node: ir.Node) -> str:
    """Return what a node does, apart from tensors and subgraphs."""
    plain = sorted(
        f"{name}={attribute.value}"
        for name, attribute in node.attributes.items()
        if attribute.type in PLAIN
    )
    return f"{node.op_type}({', '.join(plain)})"


def _is_weight(value: ir.Value | None) -> bool:
    """Tell whether a value is an initializer, or the Identity that stands for an equal one."""
    if value is None or is_constant(value):
        return value is not None
    producer = value.producer()
    return (
        producer is not None
        and producer.op_type == "Identity"
        and is_constant(operand(producer, 0))
    )


def _first_call(names: Components, traits: dict[Components, set[object]]) -> Components:
    """Return the name under which a module was called first."""
    repeated = REPEATED.fullmatch(names[-1])
    first = (*names[:-1], repeated[1]) if repeated else names
    return first if first in traits and traits[names] <= traits[first] else names


def _path(names: Components, paths: dict[Components, str]) -> str:
    parent, name = paths[names[:-1]], names[-1]
    above = names[-2] if len(names) > 1 else ""
    for prefix in (above, above.rpartition("_")[0]):
        if prefix and name.startswith(prefix + "."):
            return parent + name[len(prefix) :]
    return f"{parent}.{name}" if parent else name
