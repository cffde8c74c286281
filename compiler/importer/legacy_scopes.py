"""What torch.onnx.export(dynamo=False) tells of modules and weights, in names alone."""

import re
from collections.abc import Iterable

import onnx_ir as ir

from ..ir.graph import is_constant, operand
from ..ir.provenance import KEY, Module, add_history, origins, set_scope
from .dynamo_scopes import FOLDED
from .paths import is_path, parents

REPEATED = re.compile(r"(.+)_\d+")
ANONYMOUS = re.compile(r"onnx::Conv(Transpose)?_\d+")
KEY_LIKE = re.compile(r"\w+(\.\w+)*", re.ASCII)
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
    if model.producer_name == "pytorch":
        _read_keys(model, set(paths.values()))
    _mark_folded(components)


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


def _read_keys(model: ir.Model, modules: set[str]) -> None:
    """Store the state_dict keys, which are the names of initializers that were not computed.

    Computed ones are called `onnx::MatMul_15` or, in old files, `15` and `x.15`.
    """
    known = {"", *modules, *(above for path in modules for above in parents(path))}
    for value in model.graph.initializers.values():
        name = value.name or ""
        module, _, leaf = name.rpartition(".")
        is_known = module in known if modules else bool(module) and not leaf.isdecimal()
        if KEY_LIKE.fullmatch(name) and not name.isdecimal() and is_known:
            value.metadata_props[KEY] = name


def _mark_folded(nodes: Iterable[ir.Node]) -> None:
    """Record which weights hold a BatchNorm: those computed for a Conv and its bias.

    Of a convolution with weight_norm only the weight is computed.
    """
    for node in nodes:
        computed = [v for v in node.inputs[1:3] if v and ANONYMOUS.fullmatch(v.name or "")]
        if node.op_type in ("Conv", "ConvTranspose") and len(computed) == 2:
            for value in filter(is_constant, computed):
                add_history(value, FOLDED)
