"""A graph as an ONNX proto without its weights, for the tools that read protos."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import onnx
import onnx_ir as ir

from ..compiler.ir.dialect import IR_VERSION
from ..compiler.ir.graph import attribute, is_constant

INLINE_INTEGERS = 64
"""Most elements of an integer constant that is written out: axes, shapes and pads must be seen."""

INLINE_FLOATS = 16
"""Most elements of another constant that is written out: scales of Resize, bounds of Clip."""


WITH_BODY = frozenset(("If", "Loop", "Scan", "SequenceMap"))
"""Operators of ai.onnx that hold graphs."""


@dataclass(frozen=True)
class Skeleton:
    """A graph as a model whose large constants and outer values have become inputs.

    Attributes:
        proto: The model; everything it holds is small.
        weights: The constants that became inputs, by name.
    """

    proto: onnx.ModelProto
    weights: Mapping[str, ir.TensorProtocol]


def skeleton(
    graph: ir.Graph | ir.GraphView,
    *,
    opsets: Mapping[str, int],
    functions: Iterable[ir.Function] = (),
    annotate: bool = False,
) -> Skeleton:
    """Return a graph as a model without weights.

    Args:
        graph: A main graph, a subgraph, whose outer values become inputs and outer constants its
            own, or a part of one.
        opsets: Version of each domain.
        functions: Functions that the nodes call.
        annotate: Write the known shape of every value; otherwise those alone that inference
            cannot find: of the inputs, and of what operators of other domains make.

    Returns:
        The model, and the values to be fed to run it.
    """
    proto = onnx.ModelProto(ir_version=IR_VERSION)
    proto.opset_import.extend(
        onnx.OperatorSetIdProto(domain=domain, version=version)
        for domain, version in opsets.items()
    )
    for function in functions:
        ir.serde.serialize_function_into(proto.functions.add(), function)
    writer = _Writer(annotate)
    writer.write_graph(proto.graph, graph)
    outer = _outer(graph) if isinstance(graph, ir.Graph) else []
    writer.write_constants(proto.graph, filter(is_constant, outer))
    for name, tensor in writer.weights.items():
        info = proto.graph.input.add(name=name)
        info.type.tensor_type.elem_type = tensor.dtype.value
        ir.serde.serialize_shape_into(info.type, tensor.shape)
    for value in outer:
        if not is_constant(value):
            ir.serde.serialize_value_into(proto.graph.input.add(), value)
    return Skeleton(proto, writer.weights)


def nested(graph: ir.Graph) -> list[ir.Graph]:
    """Return a graph and, each after the one that holds it, its subgraphs at any depth."""
    return list(walk_nested(graph))


def walk_nested(graph: ir.Graph) -> Iterator[ir.Graph]:
    """Yield a graph and its subgraphs; what each of them holds is looked for when it is done with.

    onnx_ir's own iterator asks every attribute of every node, which took a fifth of all passes.
    """
    graphs = [graph]
    for inner in graphs:
        yield inner
        for node in inner:
            if node.domain or node.op_type in WITH_BODY:
                graphs += [
                    attr.as_graph()
                    for attr in node.attributes.values()
                    if attr.type is ir.AttributeType.GRAPH
                ]


class _Writer:
    """Writes graphs, nested ones too, and collects their large constants.

    Attributes:
        weights: The large constants, by name.
    """

    def __init__(self, annotate: bool) -> None:
        self.weights: dict[str, ir.TensorProtocol] = {}
        self._annotate = annotate

    def write_graph(self, proto: onnx.GraphProto, graph: ir.Graph | ir.GraphView) -> None:
        """Write a graph without its large constants."""
        proto.name = graph.name or "graph"
        for value in graph.inputs:
            ir.serde.serialize_value_into(proto.input.add(), value)
        for value in graph.outputs:
            self._write_output(proto.output.add(), value)
        self.write_constants(
            proto, (v for v in graph.initializers.values() if not v.is_graph_input())
        )
        for node in graph:
            self._write_node(proto, node)

    def write_constants(self, proto: onnx.GraphProto, constants: Iterable[ir.Value]) -> None:
        """Write those constants that are small."""
        for value in constants:
            held = value.const_value
            if held is not None and not self._is_weight(value.name, held):
                tensor = proto.initializer.add()
                ir.serde.serialize_tensor_into(tensor, held)
                tensor.name = value.name or ""

    def _is_weight(self, name: str | None, tensor: ir.TensorProtocol) -> bool:
        """Tell whether a constant is too large to be written, and if so note it."""
        if tensor.dtype is ir.DataType.STRING or not name or name in self.weights:
            return False
        whole = tensor.dtype.is_integer() or tensor.dtype is ir.DataType.BOOL
        large = tensor.size > (INLINE_INTEGERS if whole else INLINE_FLOATS)
        if large:
            self.weights[name] = tensor
        return large

    def _write_node(self, graph: onnx.GraphProto, node: ir.Node) -> None:
        held: ir.TensorProtocol | None = attribute(node, "value", None)
        name = node.outputs[0].name if node.outputs else None
        if held is not None and node.op_type == "Constant" and self._is_weight(name, held):
            return
        proto = graph.node.add(op_type=node.op_type, domain=node.domain, overload=node.overload)
        proto.name = node.name or ""
        proto.input.extend(_name(value) for value in node.inputs)
        proto.output.extend(_name(value) for value in node.outputs)
        for attr in node.attributes.values():
            if attr.type is ir.AttributeType.GRAPH:
                inner = proto.attribute.add(name=attr.name, type=onnx.AttributeProto.GRAPH)
                self.write_graph(inner.g, attr.as_graph())
            else:
                ir.serde.serialize_attribute_into(proto.attribute.add(), attr)
        if self._annotate or node.domain:
            for value in node.outputs:
                if value.name and value.type is not None and not value.is_graph_output():
                    ir.serde.serialize_value_into(graph.value_info.add(), value)

    def _write_output(self, proto: onnx.ValueInfoProto, value: ir.Value) -> None:
        if self._annotate:
            ir.serde.serialize_value_into(proto, value)
            return
        proto.name = value.name or ""
        if value.type is not None:
            ir.serde.serialize_type_into(proto.type, value.type)


def _outer(graph: ir.Graph) -> list[ir.Value]:
    """Return what a graph and its subgraphs read of the graphs around, each value once."""
    inside = nested(graph)
    return list(
        dict.fromkeys(
            value
            for inner in inside
            for node in inner
            for value in node.inputs
            if value is not None and value.graph not in inside
        )
    )


def _name(value: ir.Value | None) -> str:
    return (value.name or "") if value is not None else ""
