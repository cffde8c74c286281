"""What MindConverter 1.7 refused as a model, whatever its operators: rows have the operators."""

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import TensorProto, helper, numpy_helper

import onnx2ms

HEAD = '<ir_version: 10, opset_import: ["": 18, "com.acme": 1]>'


def parsed(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(f"{HEAD}\n{text}")


def without_names() -> onnx.ModelProto:
    model = parsed("g (float[2,3] x) => (float[2,3] y) { h = Relu(x) y = Exp(h) }")
    assert not any(node.name for node in model.graph.node)
    return model


def names_of_todays_torch() -> onnx.ModelProto:
    model = parsed("g (float[2,3] x) => (float[2,3] y) { h = Relu(x) y = Exp(h) }")
    names = ("node_/model/layers.0/act/Relu", "node_aten_exp::2 'x'\n\"")
    for node, name in zip(model.graph.node, names, strict=True):
        node.name = name
    return model


def initializers_among_inputs() -> onnx.ModelProto:
    weight = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(3, 2), "w")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
              for name, shape in (("x", [2, 3]), ("w", [3, 2]), ("y", [2, 2]))]  # fmt: skip
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", values[:2], values[2:], [weight])
    return helper.make_model(graph, ir_version=3, opset_imports=[helper.make_opsetid("", 8)])


def dynamic_batch() -> onnx.ModelProto:
    return parsed(
        "g (float[batch,3,4] x) => (float[batch,n] y) <int64[2] s = {0, -1}> "
        "{ h = Relu(x) y = Reshape(h, s) }"
    )


def known_if() -> onnx.ModelProto:
    return parsed(
        "g (float[2,3] x) => (float[2,3] y) <bool c = {1}> { y = If (c) "
        "<then_branch = t () => (float[2,3] a) { a = Relu(x) }, "
        "else_branch = e () => (float[2,3] b) { b = Exp(x) }> }"
    )


MODELS = (
    without_names,
    names_of_todays_torch,
    initializers_among_inputs,
    dynamic_batch,
    known_if,
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_model(model):
    assert onnx2ms.convert(model(), verify="pynative").verified


def test_custom_operator_is_refused_by_name():
    model = parsed("g (float[2] x) => (float[2] y) { y = com.acme.Swoosh(x) }")
    with pytest.raises(onnx2ms.Onnx2msError, match=r"com\.acme\.Swoosh"):
        onnx2ms.convert(model, verify="none")
