"""Passes written for onnx-graphsurgeon, which knows neither provenance nor lazy weights."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import onnx
import onnx_ir as ir

from ..compiler.ir.dialect import IR_VERSION
from ..compiler.ir.graph import Array, elements
from ..compiler.ir.provenance import inherit
from .base import Pass, first_line
from .bodies import release
from .rewrite import Names
from .shapes.infer_shapes import infer_shapes
from .skeleton import nested, skeleton, walk_nested

GsGraph = object
"""An `onnx_graphsurgeon.Graph`; the library ships no types."""

Change = Callable[..., object]


class _Lazy(Protocol):
    load: Callable[[], Array]


class _Constant(Protocol):
    name: str
    _values: object


class _Graph(Protocol):
    def tensors(self) -> Mapping[str, _Constant]: ...
    def toposort(self) -> object: ...
    def subgraphs(self, recursive: bool) -> Sequence["_Graph"]: ...


class _Surgeon(Protocol):
    """The part of onnx-graphsurgeon that we use."""

    Graph: type
    Constant: type

    def import_onnx(self, model: onnx.ModelProto) -> _Graph: ...
    def export_onnx(self, graph: object, *, do_type_check: bool) -> onnx.ModelProto: ...


def graphsurgeon_pass(
    *, after: Sequence[str] = (), stage: str = "", replaces: Sequence[str] = ()
) -> Callable[[Change], Pass]:
    """Make a pass of a function that changes an onnx_graphsurgeon.Graph.

    The function is called with the main graph and returns nothing, or the graph to go on with. It
    sees the graph in the dialect, every weight a Constant whose values are read when it asks for
    them. Names of inputs and outputs, and their order, must stay. A node that keeps its name keeps
    its provenance; a new one inherits that of the nodes in whose place it stands.

    Args:
        after: Names of passes that must have run before this one.
        stage: The stage that it is put into, as early as `after` allows.
        replaces: Passes that it stands in for.

    Raises:
        ValueError: The function has no docstring.
    """

    def decorate(function: Change) -> Pass:
        def run(graph: ir.Graph) -> int:
            return _run(function, graph)

        return Pass(
            function.__name__,
            run,
            first_line(function),
            tuple(after),
            stage=stage,
            replaces=tuple(replaces),
        )

    return decorate


def _run(function: Change, graph: ir.Graph) -> int:
    """Run a function on a graph; return how many nodes are not what they were."""
    if not graph.opset_imports:  # a subgraph: it is seen inside of the main graph
        return 0
    surgeon = cast(_Surgeon, importlib.import_module("onnx_graphsurgeon"))
    opened, weights = _opened(surgeon, graph)
    before = surgeon.export_onnx(opened, do_type_check=False)
    answer = function(opened)
    result = opened if answer is None else answer
    if not isinstance(result, surgeon.Graph):
        raise TypeError(f"it returned {type(result).__name__}, no onnx_graphsurgeon.Graph")
    cast(_Graph, result).toposort()
    after = surgeon.export_onnx(result, do_type_check=False)
    changes = _differences(before.graph, after.graph)
    if changes:
        _take_back(graph, after, weights)
        infer_shapes.run(graph)
    return changes


def _opened(surgeon: _Surgeon, graph: ir.Graph) -> tuple[_Graph, Mapping[str, ir.TensorProtocol]]:
    """Return a graph as onnx-graphsurgeon has it, and the weights that are read on demand."""
    bare = skeleton(graph, opsets=graph.opset_imports, annotate=True)
    proto = bare.proto
    proto.ir_version = IR_VERSION
    del proto.graph.input[len(proto.graph.input) - len(bare.weights) :]
    for name, tensor in bare.weights.items():
        proto.graph.initializer.append(_placeholder(name, tensor))
    opened = surgeon.import_onnx(proto)
    tensors = importlib.import_module("onnx_graphsurgeon.ir.tensor")
    lazy_values = cast("Callable[[onnx.TensorProto], _Lazy]", tensors.LazyValues)
    for part in (opened, *opened.subgraphs(recursive=True)):
        for name, constant in part.tensors().items():
            if name in bare.weights and isinstance(constant, surgeon.Constant):
                tensor = bare.weights[name]
                lazy = lazy_values(_placeholder(name, tensor))
                lazy.load = _reader(tensor)
                constant._values = lazy  # pyright: ignore[reportPrivateUsage]
    return opened, bare.weights


def _reader(tensor: ir.TensorProtocol) -> Callable[[], Array]:
    return lambda: np.array(elements(tensor))


def _placeholder(name: str, tensor: ir.TensorProtocol) -> onnx.TensorProto:
    """Return a weight without its elements, as if they stood in a file."""
    proto = onnx.TensorProto(
        name=name, data_type=int(tensor.dtype), data_location=onnx.TensorProto.EXTERNAL
    )
    proto.dims.extend(tensor.shape.numpy())
    proto.external_data.add(key="location", value="weights")
    return proto


def _differences(before: onnx.GraphProto, after: onnx.GraphProto) -> int:
    """Return how many nodes are not what they were; 1 if only other things changed."""
    one, other = (
        {n.SerializeToString(deterministic=True) for n in g.node} for g in (before, after)
    )
    nodes = max(len(one - other), len(other - one))
    same = before.SerializeToString(deterministic=True) == after.SerializeToString(
        deterministic=True
    )
    return nodes or int(not same)


@dataclass(frozen=True)
class _Old:
    """What a graph was.

    Attributes:
        nodes: By name, those of subgraphs too.
        reads: By name of a node, the names of the values that it read.
        makers: By name of a value, the name of the node that made it.
        values: By name, what was known of a value.
    """

    nodes: dict[str, ir.Node]
    reads: dict[str, list[str]]
    makers: dict[str, str]
    values: dict[str, ir.Value]


def _remember(graph: ir.Graph) -> _Old:
    old = _Old({}, {}, {}, {})
    for inner in nested(graph):
        old.values.update({value.name or "": value for value in inner.initializers.values()})
        for node in inner:
            name = node.name or ""
            old.nodes[name] = node
            old.reads[name] = [value.name or "" for value in node.inputs if value is not None]
            old.makers.update({value.name or "": name for value in node.outputs})
            old.values.update({value.name or "": value for value in node.outputs})
    return old


def _take_back(
    graph: ir.Graph, proto: onnx.ModelProto, weights: Mapping[str, ir.TensorProtocol]
) -> None:
    """Let a graph hold what onnx-graphsurgeon made of it, provenance attached again."""
    new = ir.from_proto(proto).graph
    for what in ("inputs", "outputs"):
        wanted, found = ([v.name for v in getattr(g, what)] for g in (graph, new))
        if wanted != found:
            raise ValueError(f"it changed the {what} of the model, {wanted}, to {found}")
    old = _remember(graph)
    outputs = list(graph.outputs)
    graph.outputs.clear()
    for node in graph:
        release(node)
    graph.remove(list(graph), safe=True)
    constants = _constants(graph, new, old, weights)
    for given, value in zip(graph.inputs, list(new.inputs), strict=True):
        value.replace_all_uses_with(given)
    for value, kept in constants.items():
        value.replace_all_uses_with(kept)
    results = list(new.outputs)
    new.outputs.clear()
    nodes = list(new)
    new.remove(nodes)
    graph.extend(nodes)
    graph.outputs.extend(results)
    for value, before in zip(results, outputs, strict=True):
        value.type, value.shape = value.type or before.type, value.shape or before.shape
    _attach(graph, old)


def _constants(
    graph: ir.Graph, new: ir.Graph, old: _Old, weights: Mapping[str, ir.TensorProtocol]
) -> dict[ir.Value, ir.Value]:
    """Exchange the constants of a graph; return by new ones those that stay what they were.

    onnx-graphsurgeon writes what a subgraph reads of the graph around into the subgraph too.
    """
    kept: dict[ir.Value, ir.Value] = {}
    for inner in nested(new):
        for name, value in list(inner.initializers.items()):
            tensor, before = value.const_value, old.values.get(name)
            assert tensor is not None, "an initializer has elements"
            whole = name in weights and isinstance(tensor, ir.ExternalTensor)
            if before is not None and before.const_value is not None:
                if whole or _is_same(before.const_value, tensor):
                    kept[value] = before
                    del inner.initializers[name]
                    continue
            elif whole:
                value.const_value = weights[name]  # what a Constant node held
            if inner is new:
                del inner.initializers[name]
                graph.initializers.pop(name, None)
                graph.register_initializer(value)
    there = {value.name for value in kept.values()}
    for name, value in list(graph.initializers.items()):
        if old.values.get(name) is value and name not in there:
            del graph.initializers[name]
    for value in dict.fromkeys(kept.values()):
        if value.graph is not graph:
            _move(value, graph)
    return kept


def _move(value: ir.Value, graph: ir.Graph) -> None:
    """Move a constant of a subgraph into the graph around it, where onnx-graphsurgeon put it."""
    if isinstance(value.graph, ir.Graph):
        del value.graph.initializers[value.name or ""]
    graph.register_initializer(value)


def _is_same(one: ir.TensorProtocol, other: ir.TensorProtocol) -> bool:
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    return elements(one).tobytes() == elements(other).tobytes()


def _attach(graph: ir.Graph, old: _Old) -> None:
    """Give nodes and values what was known of those whose names they bear or whose place it is."""
    names = Names(graph)
    present = {node.name for inner in walk_nested(graph) for node in inner}
    gone = old.nodes.keys() - present
    fresh: list[ir.Node] = []
    for inner in nested(graph):
        for node in inner:
            before = old.nodes.pop(node.name or "", None)
            for value in node.outputs:
                known = old.values.get(value.name or "")
                if known is not None:
                    value.metadata_props.update(known.metadata_props)
            if before is not None:
                node.metadata_props.update(before.metadata_props)
                old.nodes[node.name or ""] = before
            else:
                fresh.append(node)
    for node in fresh:
        node.name = node.name or names.fresh(node.op_type)
        inherit([node], _replaced(node, old, gone))


def _replaced(node: ir.Node, old: _Old, gone: set[str]) -> list[ir.Node]:
    """Return the nodes in whose place a new one stands: what is gone of what made its outputs.

    If nothing is gone, it was put between others, and is taken for a part of what it reads.
    """
    waiting = [old.makers[v.name] for v in node.outputs if v.name in old.makers]
    found: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name in gone and name not in found:
            found[name] = None
            waiting += [old.makers[v] for v in old.reads[name] if v in old.makers]
    if not found:
        beside = [v.name for v in (*node.inputs, *node.outputs) if v is not None]
        found = dict.fromkeys(old.makers[name] for name in beside if name in old.makers)
        found = dict(list(found.items())[:1])
    order = [name for name in old.nodes if name in found]
    return [old.nodes[name] for name in order]
