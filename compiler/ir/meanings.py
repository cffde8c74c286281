"""What operators of unknown domains compute, as those say who brought them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import onnx

from .errors import REPORT, PluginError, told
from .graph import Array

Compute = Callable[..., object]
"""Takes the inputs, None for an absent one, and the attributes by name; returns the output, or a
sequence of several."""

Run = Callable[[onnx.ModelProto, Mapping[str, Array], Sequence[str]], Mapping[str, Array]]
"""Runs a model of ONNX's own operators: takes it, its inputs and the outputs' names."""

Key = tuple[str, str]
"""Domain and operator."""


@dataclass(frozen=True)
class Meaning:
    """What an operator computes: a NumPy function, or a function in operators of ONNX.

    Attributes:
        operator: Its name.
        domain: Its domain.
        compute: The NumPy function; None where `function` tells.
        function: The other one.
        origin: The plugin that it comes from; empty: the model's file.
    """

    operator: str
    domain: str
    compute: Compute | None = None
    function: onnx.FunctionProto | None = None
    origin: str = ""

    @property
    def key(self) -> Key:
        """Domain and name."""
        return self.domain, self.operator

    def run(self, node: onnx.NodeProto, inputs: Sequence[Array | None], run: Run) -> list[Array]:
        """Compute a node.

        Args:
            node: Tells attributes and outputs.
            inputs: One array an input, None for an absent one.
            run: Runs the function of ONNX.

        Raises:
            PluginError: The NumPy function fails, or returns something else than the outputs.
            Exception: Whatever `run` raises.
        """
        if self.function is not None:
            names = [f"y{i}" for i in range(len(node.output))]
            given = {f"x{i}": array for i, array in enumerate(inputs) if array is not None}
            infos = {name: value_info(name, array) for name, array in given.items()}
            model = self.model(node, infos, names)
            return [run(model, given, names)[name] for name in names]
        assert self.compute is not None, "a meaning is one or the other"
        where = f"plugin {self.origin}: the reference of {self.domain}.{self.operator}"
        try:
            made = self.compute(*inputs, **attributes(node))
        except Exception as error:
            raise PluginError(f"{where} failed: {told(error)}", help=REPORT) from error
        several = isinstance(made, (tuple, list))
        results = cast("Sequence[object]", made) if several else [made]
        arrays = [np.asarray(result) for result in results]
        if len(arrays) < len(node.output):
            raise PluginError(
                f"{where} returned {len(arrays)} of {len(node.output)} outputs", help=REPORT
            )
        return arrays

    def model(
        self,
        node: onnx.NodeProto,
        inputs: Mapping[str, onnx.ValueInfoProto],
        outputs: Sequence[str],
    ) -> onnx.ModelProto:
        """Return a model of a node alone, in the operator sets of the function.

        Args:
            node: Tells the attributes.
            inputs: What its inputs are, by names `x0`, `x1` …; an absent one is not among them.
            outputs: What its outputs are to be called.
        """
        assert self.function is not None, "of a function"
        versions = {entry.domain: entry.version for entry in self.function.opset_import}
        versions.setdefault(self.domain, 1)
        names = (f"x{i}" for i in range(len(node.input)))
        call = onnx.NodeProto()
        call.CopyFrom(node)
        call.input[:] = [name if name in inputs else "" for name in names]
        call.output[:] = outputs
        results = [onnx.ValueInfoProto(name=name) for name in outputs]
        graph = onnx.helper.make_graph([call], self.operator, list(inputs.values()), results)
        imports = [onnx.helper.make_opsetid(*entry) for entry in versions.items()]
        return onnx.helper.make_model(
            graph, opset_imports=imports, ir_version=10, functions=[self.function]
        )


Meanings = Mapping[Key, Meaning]
"""By domain and operator."""


def value_info(name: str, array: Array) -> onnx.ValueInfoProto:
    """Return the type of an array as that of a value."""
    dtype = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return onnx.helper.make_tensor_value_info(name, dtype, array.shape)


def attributes(node: onnx.NodeProto) -> dict[str, object]:
    """Return the attributes of a node by name, strings as `str`."""
    found = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    return {name: _text(value) for name, value in found.items()}


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [_text(item) for item in cast("list[object]", value)]
    return value


def undefined(proto: onnx.ModelProto, meanings: Meanings) -> list[str]:
    """Return the operators in a model of which nobody says what they compute."""
    known = {(function.domain, function.name) for function in proto.functions} | set(meanings)
    return sorted(
        {
            f"{node.domain}.{node.op_type}"
            for node in _nodes(proto.graph)
            if not _is_known(node.domain) and (node.domain, node.op_type) not in known
        }
    )


def _is_known(domain: str) -> bool:
    return not domain or domain.startswith(("ai.onnx", "com.microsoft"))


def _nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes of a graph and of those that they hold."""
    found = list(graph.node)
    for node in found:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                found += attribute.g.node  # the loop goes on over them
    return found


def needed(proto: onnx.ModelProto, meanings: Meanings) -> Meanings:
    """Return those meanings that a model needs to be run: of which it has nodes and no function."""
    if not meanings:
        return {}
    own = {(function.domain, function.name) for function in proto.functions}
    used = {(node.domain, node.op_type) for node in _nodes(proto.graph)}
    return {key: meaning for key, meaning in meanings.items() if key in used - own}
