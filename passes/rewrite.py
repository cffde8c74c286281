"""The place of a node in its graph, where a pass puts what replaces the node."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ..compiler.ir.errors import ModelError, quoted
from ..compiler.ir.graph import Array, numpy_type, operand, operator
from ..compiler.ir.provenance import inherit
from .skeleton import nested

TO_THE_END = 2**63 - 1
"""Where a Slice ends that takes all that follows."""

AFFORDABLE = 2**27
"""Most elements of a constant that a pass writes because the shapes of a model ask for it."""

AttributeValue = (
    int | float | str | Sequence[int] | Sequence[float] | Sequence[str] | ir.TensorProtocol
)
Input = ir.Value | None


def sites(graph: ir.Graph, *op_types: str) -> Iterator["Site"]:
    """Yield the places of ONNX's own operators of some types; nodes may come and go meanwhile."""
    names = Names(graph)
    for node in list(graph):
        if not node.domain and node.op_type in op_types:
            yield Site(node, names)


class Names:
    """Names that are still free in a graph."""

    def __init__(self, graph: ir.Graph) -> None:
        """Read the names of a graph, when the first one is asked for."""
        self._graph = graph
        self._taken: set[str] = set()

    def fresh(self, wish: str) -> str:
        """Return a name that no value or node of the graph or of its subgraphs bears."""
        if not self._taken:
            self._taken = _names_within(self._graph)
        name, count = wish, 0
        while name in self._taken:
            count += 1
            name = f"{wish}_{count}"
        self._taken.add(name)
        return name


class Site:
    """A node and the place before it.

    Attributes:
        node: The node to be changed or replaced.
        graph: The graph that holds it.
    """

    def __init__(self, node: ir.Node, names: Names) -> None:
        """Choose a place.

        Args:
            node: A node of a graph.
            names: The names of that graph.
        """
        if node.graph is None:
            raise ValueError(f"node {node.name} is in no graph")
        self.node = node
        self.graph: ir.Graph = node.graph
        self._names = names

    def __getitem__(self, index: int) -> Input:
        """Return an input of the node, or None where it is absent."""
        return operand(self.node, index)

    def name_for(self, role: str) -> str:
        """Return a free name for a value that plays a role at this node."""
        return self._names.fresh(f"{self.node.outputs[0].name}_{role}")

    def fresh(self, wish: str) -> str:
        """Return a name that nothing in the graph bears, `wish` itself if it is free."""
        return self._names.fresh(wish)

    def afford(self, *sizes: int) -> None:
        """Refuse to write a constant of so many elements: they are made of what a model claims.

        Raises:
            ModelError: Their product is more than `AFFORDABLE`.
        """
        if (count := math.prod(sizes)) > AFFORDABLE:
            name = f"{operator(self.node)} {quoted(self.node.name or '')}"
            raise ModelError(
                f"{name} needs a constant of {count:.1e} elements, more than onnx2ms writes",
                help="check the sizes of its inputs, and its attributes",
            )

    def constant(self, elements: npt.ArrayLike, role: str, dtype: ir.DataType) -> ir.Value:
        """Register an initializer that is named for the node and the role it plays there."""
        tensor = tensor_of(np.asarray(elements, numpy_type(dtype)))
        return add_initializer(self.graph, self.name_for(role), tensor)

    def ints(self, elements: Sequence[int], role: str) -> ir.Value:
        """Register a vector of int64: axes, a shape, pads."""
        return self.constant(elements, role, ir.DataType.INT64)

    def size(self, value: Input, axis: int) -> ir.Value:
        """Insert what computes the size of a value along an axis: a scalar of int64."""
        shape = self.add("Shape", [value], dtype=ir.DataType.INT64)
        index = self.constant(axis, "axis", ir.DataType.INT64)
        return self.add("Gather", [shape, index], axis=0, dtype=ir.DataType.INT64)

    def add(
        self,
        op_type: str,
        inputs: Sequence[Input],
        *,
        dtype: ir.DataType | None = None,
        **attributes: AttributeValue,
    ) -> ir.Value:
        """Insert a node of the dialect before this one, with this one's provenance.

        Args:
            op_type: Operator of ai.onnx with a single output.
            inputs: Its inputs; None for an absent one.
            dtype: Element type of the output, if known.
            attributes: Its attributes.

        Returns:
            The new node's output.
        """
        result = ir.Value(
            name=self.name_for(op_type.lower()),
            type=ir.TensorType(dtype) if dtype is not None else None,
        )
        new = self._node(op_type, inputs, attributes, result)
        self.graph.insert_before(self.node, new)
        return result

    def follow(
        self, op_type: str, *others: ir.Value, output: int = 0, **attributes: AttributeValue
    ) -> None:
        """Insert a node after this one, which takes over one of its outputs.

        Args:
            op_type: Operator of ai.onnx with a single output.
            others: Its inputs behind the first, which is the output taken over.
            output: Which one that is; its type and shape, the new node's now, must be set again.
            attributes: The new node's attributes.
        """
        old = self.node.outputs[output]
        result = ir.Value()
        take_over(old, result)
        old.name = self._names.fresh(f"{result.name}_{self.node.op_type.lower()}")
        old.shape = None
        new = self._node(op_type, [old, *others], attributes, result)
        self.graph.insert_after(self.node, new)

    def insert(self, nodes: Sequence[ir.Node]) -> None:
        """Insert nodes that are in no graph before this one, with this one's provenance."""
        self.graph.insert_before(self.node, nodes)
        inherit(nodes, [self.node])

    def replace(self, *results: ir.Value) -> None:
        """Let new values, made at this place, take over the node's outputs and their names.

        The last of the nodes that were added takes the name of the node, which is removed.

        Args:
            results: One value for each output of the node that is read.
        """
        node, last = self.node, results[0].producer()
        for old, new in zip(node.outputs, results, strict=False):
            take_over(old, new)
        self.graph.remove(node, safe=True)
        if last is not None:
            last.name = node.name

    def _node(
        self,
        op_type: str,
        inputs: Sequence[Input],
        attributes: Mapping[str, AttributeValue],
        result: ir.Value,
    ) -> ir.Node:
        """Return a node that stands for this one, of a name of its own: onnxruntime asks for it."""
        name = self._names.fresh(f"{self.node.name}/{op_type}")
        new = ir.node(op_type, _given(inputs), attributes, outputs=[result], name=name)
        inherit([new], [self.node])
        return new


def take_over(old: ir.Value, new: ir.Value) -> None:
    """Give a new value the readers, name, type and place among the outputs of an old one.

    Args:
        old: A node's output; the node is to be removed after.
        new: Another node's output.
    """
    new.type = old.type if old.type is not None else new.type
    new.shape = old.shape if old.shape is not None else new.shape
    new.metadata_props.update(old.metadata_props)
    old.replace_all_uses_with(new, replace_graph_outputs=True)
    old.name, new.name = None, old.name


def set_attribute(node: ir.Node, name: str, value: AttributeValue) -> None:
    """Set an attribute of a node."""
    node.attributes[name] = ir.convenience.convert_attribute(name, value)


def set_inputs(node: ir.Node, *inputs: Input) -> None:
    """Give a node other inputs, as many as it needs; absent ones at the end are left out."""
    given = _given(inputs)
    node.resize_inputs(len(given))
    for index, value in enumerate(given):
        if node.inputs[index] is not value:
            node.replace_input_with(index, value)


def tensor_of(array: Array) -> ir.TensorProtocol:
    """Return an array as a tensor; `ir.tensor` asks first what it is, which costs far more."""
    return cast("ir.TensorProtocol", ir.Tensor(array))  # pyright: ignore[reportArgumentType]


def add_initializer(graph: ir.Graph, name: str, tensor: ir.TensorProtocol) -> ir.Value:
    """Register a constant under a name that is free in the graph."""
    value = ir.Value(
        name=name,
        type=ir.TensorType(tensor.dtype),
        shape=ir.Shape(list(tensor.shape)),  # type: ignore[arg-type]
        const_value=tensor,
    )
    graph.register_initializer(value)
    return value


def only_source(node: ir.Node, *op_types: str, index: int = 0, domain: str = "") -> ir.Node | None:
    """Return what makes an input of a node, for it alone, if it is such an operator."""
    value = operand(node, index)
    source = None if value is None else value.producer()
    if value is None or source is None or source.domain != domain:
        return None
    alone = len(value.uses()) == 1 and not value.is_graph_output()
    found = source.op_type in op_types and alone and source.graph is node.graph
    return source if found else None


def bypass(node: ir.Node) -> None:
    """Let the readers of a node that changes nothing read its first input instead.

    A graph output keeps its name, which is part of the model's signature: there the node becomes
    an Identity.
    """
    source, result = node.inputs[0], node.outputs[0]
    if source is None or node.graph is None:
        raise ValueError(f"node {node.name} has no input to read instead")
    if result.is_graph_output():
        node.op_type, node.domain = "Identity", ""
        node.attributes.clear()
        set_inputs(node, source)
        return
    result.replace_all_uses_with(source)
    node.graph.remove(node, safe=True)


def _given(inputs: Sequence[Input]) -> Sequence[Input]:
    """Return the inputs without those at the end that are absent."""
    last = max((i + 1 for i, value in enumerate(inputs) if value is not None), default=0)
    return inputs[:last]


def _names_within(graph: ir.Graph) -> set[str]:
    named: list[Input | ir.Node] = []
    for inner in nested(graph):
        named += [*inner.inputs, *inner.initializers.values()]
        for node in inner:
            named += [node, *node.inputs, *node.outputs]
    return {item.name for item in named if item is not None and item.name}
