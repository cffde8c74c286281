"""Where a node comes from: its PyTorch module, its nodes in the file, its weights' names.

The importer reads what each exporter wrote and stores it in one form in `metadata_props`, which
onnx_ir, onnx.checker and Netron keep. Passes hand it on with `inherit`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import onnx_ir as ir

from .moves import Moves

SCOPE = "onnx2ms.scope"  # of a node: [[path, class], …] from the root to the innermost module
NODES = "onnx2ms.nodes"  # of a node: names of the nodes of the file that it stands for
KEY = "onnx2ms.state_dict"  # of an initializer: its key in PyTorch's state_dict
MOVES = "onnx2ms.moves"  # of an initializer with a key: [shape there, [[step, numbers], …]]
HISTORY = "onnx2ms.history"  # of an initializer: what was done to its value, a sentence a step
SOURCES = "onnx2ms.sources"  # of an initializer: initializers of the file that it was made from
ROLE = "onnx2ms.role"  # of an initializer: "trained", "frozen" or "buffers", where that is told
TIED = "onnx2ms.tied"  # of an initializer: other keys of the same parameter in the state_dict
FIXED = "onnx2ms.fixed"  # of a graph: symbols of its inputs' shapes that it demands to be a number
KEYS = "onnx2ms.keys"  # of a model: keys of the state_dict that its initializers have
TOLD = "onnx2ms.torch"  # of a model: what onnx2ms itself writes into a file that it exports
MISSING = "onnx2ms.missing"  # of a model: keys of the state_dict that the file does not hold


PREFIX = "onnx2ms."


def forget_all(model: ir.Model) -> None:
    """Drop whatever a file tells in the words of this module: only the importer uses them."""
    holders: list[dict[str, str]] = []
    for graph in model.graphs():
        values = [*graph.inputs, *graph.initializers.values()]
        values += [value for node in graph for value in node.outputs]
        holders += [graph.metadata_props, *(item.metadata_props for item in (*values, *graph))]
    for held in (model.metadata_props, *holders):
        for key in [key for key in held if key.startswith(PREFIX) and key != TOLD]:
            del held[key]


@dataclass(frozen=True)
class Module:
    """A PyTorch module on the way from the root to a node.

    Attributes:
        path: Dotted path from the root, `layer1.0.conv1`; empty for the root itself.
        class_name: Qualified class, `torchvision.models.resnet.Bottleneck`; empty if unknown.
    """

    path: str
    class_name: str = ""

    @property
    def name(self) -> str:
        """Last part of the path, the attribute of the parent or its index in a list."""
        return self.path.rpartition(".")[2]


Scope = tuple[Module, ...]
"""The modules around a node, root first. Empty where the file does not tell."""


def scope_of(node: ir.Node) -> Scope:
    """Return the modules around a node, root first."""
    stored = node.metadata_props.get(SCOPE)
    return tuple(Module(*pair) for pair in json.loads(stored)) if stored else ()


def set_scope(node: ir.Node, scope: Scope) -> None:
    """Store the modules around a node."""
    node.metadata_props[SCOPE] = json.dumps([[m.path, m.class_name] for m in scope])


def path_of(node: ir.Node) -> str:
    """Return the dotted path of the innermost module around a node."""
    scope = scope_of(node)
    return scope[-1].path if scope else ""


def origins(node: ir.Node) -> tuple[str, ...]:
    """Return the names of the file's nodes that this node stands for."""
    stored = node.metadata_props.get(NODES)
    return tuple(json.loads(stored)) if stored else ()


def set_origins(node: ir.Node, nodes: Iterable[str]) -> None:
    """Store the names of the file's nodes that this node stands for."""
    node.metadata_props[NODES] = json.dumps(list(dict.fromkeys(nodes)))


def inherit(new: Iterable[ir.Node], old: Iterable[ir.Node]) -> None:
    """Give new nodes the provenance of the old ones that they replace.

    The scope is the deepest one that holds all of the old nodes; every other key is the first
    old node's that has it.
    """
    old = list(old)
    metadata: dict[str, str] = {}
    for node in reversed(old):
        metadata.update(node.metadata_props)
    common = common_scope([scope for node in old if (scope := scope_of(node))])
    for node in new:
        node.metadata_props.update(metadata)
        if common:
            set_scope(node, common)
        set_origins(node, [name for source in old for name in origins(source)])


def common_scope(scopes: list[Scope]) -> Scope:
    """Return the modules that all scopes begin with."""
    common: list[Module] = []
    for modules in zip(*scopes, strict=False):
        if len({module.path for module in modules}) > 1:
            break
        common.append(modules[0])
    return tuple(common)


def history_of(value: ir.Value) -> tuple[str, ...]:
    """Return what was done to a weight's value since the file, oldest first."""
    stored = value.metadata_props.get(HISTORY)
    return tuple(json.loads(stored)) if stored else ()


def add_history(value: ir.Value, step: str, *earlier: ir.Value) -> None:
    """Record one thing done to a weight's value, after all that was done to `earlier` ones."""
    steps = [*(s for other in earlier for s in history_of(other)), *history_of(value), step]
    value.metadata_props[HISTORY] = json.dumps(list(dict.fromkeys(steps)))


def moves_of(value: ir.Value) -> Moves:
    """Return how an initializer's elements were moved since PyTorch's state_dict."""
    stored = value.metadata_props.get(MOVES)
    if stored:
        shape, steps = json.loads(stored)
        return Moves(tuple(shape), tuple((step, tuple(numbers)) for step, numbers in steps))
    tensor = value.const_value
    assert tensor is not None, "an initializer has elements"
    return Moves(tuple(int(size) for size in tensor.shape.numpy()))


def set_moves(value: ir.Value, moves: Moves) -> None:
    """Store how an initializer's elements were moved since PyTorch's state_dict."""
    value.metadata_props[MOVES] = json.dumps([moves.shape, moves.steps])


def tied_keys(value: ir.Value) -> tuple[str, ...]:
    """Return the other keys that the parameter in an initializer has in the state_dict."""
    stored = value.metadata_props.get(TIED)
    return tuple(json.loads(stored)) if stored else ()


def sources_of(value: ir.Value) -> tuple[str, ...]:
    """Return the names of the file's initializers that a weight was made from."""
    stored = value.metadata_props.get(SOURCES)
    return tuple(json.loads(stored)) if stored else ()


def set_sources(value: ir.Value, names: Iterable[str]) -> None:
    """Store the names of the file's initializers that a weight was made from."""
    value.metadata_props[SOURCES] = json.dumps(list(dict.fromkeys(names)))


def is_made_up(value: ir.Value) -> bool:
    """Tell whether a constant is a pass's own, made of nothing that the file holds as a weight."""
    return KEY not in value.metadata_props and bool(history_of(value)) and not sources_of(value)


def missing_keys(model: ir.Model) -> dict[str, str]:
    """Return the keys of the state_dict that the file tells but does not hold, with the reason."""
    stored = model.metadata_props.get(MISSING)
    return dict(json.loads(stored)) if stored else {}


def set_missing_keys(model: ir.Model, keys: Mapping[str, str]) -> None:
    """Store the keys of the state_dict that the file does not hold, with the reason."""
    model.metadata_props[MISSING] = json.dumps(keys)


def stored_keys(model: ir.Model) -> tuple[str, ...]:
    """Return the keys of the state_dict that the file holds."""
    stored = model.metadata_props.get(KEYS)
    return tuple(json.loads(stored)) if stored else ()


def set_stored_keys(model: ir.Model) -> None:
    """Store the keys of the state_dict that the file holds and the network reads."""
    values = [value for value in model.graph.initializers.values() if value.uses()]
    keys = [v.metadata_props[KEY] for v in values if KEY in v.metadata_props]
    model.metadata_props[KEYS] = json.dumps(list(dict.fromkeys(keys)))
