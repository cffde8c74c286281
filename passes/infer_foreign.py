"""Types and shapes of what operators of unknown domains make."""

import numpy as np
import onnx
import onnx.shape_inference
import onnx_ir as ir

from ..compiler.ir.graph import Array, numpy_type, shape_of
from ..compiler.ir.meanings import Meaning, Meanings
from .base import Pass
from .runtime import run_proto
from .shapes.infer_shapes import merge


def infer_foreign(meanings: Meanings) -> Pass:
    """Return the pass that infers what operators make, of which others say what they compute."""

    def run(graph: ir.Graph) -> int:
        return sum(
            _infer(node, meanings[node.domain, node.op_type])
            for node in graph
            if (node.domain, node.op_type) in meanings and not all(map(_is_known, node.outputs))
        )

    doc = "Find the type and shape of what operators make that plugins define."
    return Pass("infer_foreign", run, doc, after=("infer_shapes",), stage="shapes")


def _is_known(value: ir.Value) -> bool:
    return value.dtype is not None and value.shape is not None


def _infer(node: ir.Node, meaning: Meaning) -> int:
    """Find the types of a node's outputs; return how many changed."""
    given = [value for value in node.inputs if value is not None]
    if not all(map(_is_known, given)):
        return 0
    proto = ir.serde.serialize_node(node)
    if meaning.function is None:
        shapes = [shape_of(value) for value in given]
        if None in shapes:
            return 0  # it may do with them what it likes
        results = meaning.run(proto, list(map(_zeros, node.inputs)), run_proto)
        types = [_type(array) for array in results]
    else:
        infos: dict[str, onnx.ValueInfoProto] = {}
        for i, value in enumerate(node.inputs):
            if value is not None:
                infos[f"x{i}"] = onnx.ValueInfoProto()
                ir.serde.serialize_value_into(infos[f"x{i}"], value)
                infos[f"x{i}"].name = f"x{i}"
        names = [f"y{i}" for i in range(len(node.outputs))]
        model = onnx.shape_inference.infer_shapes(meaning.model(proto, infos, names))
        types = [value.type for value in model.graph.output]
    return sum(merge(value, found) for value, found in zip(node.outputs, types, strict=False))


def _zeros(value: ir.Value | None) -> Array | None:
    if value is None:
        return None
    assert value.dtype is not None, "asked before"
    return np.zeros(shape_of(value) or (), numpy_type(value.dtype))


def _type(array: Array) -> onnx.TypeProto:
    dtype = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return onnx.helper.make_tensor_type_proto(dtype, array.shape)
