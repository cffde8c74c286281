"""Weights do not enter protos; small integers, which inference needs, do."""

import numpy as np
import onnx_ir as ir

from onnx2ms.passes.rewrite import add_initializer
from onnx2ms.passes.shapes.infer_shapes import infer_shapes
from onnx2ms.passes.skeleton import skeleton


def unreadable(shape, dtype=ir.DataType.FLOAT):
    """Return a weight that must not be read."""

    def read():
        raise AssertionError("the weight was read")

    return ir.LazyTensor(read, dtype, ir.Shape(shape))


def test_weights_become_inputs():
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 24]>
        g (float[1,3,8,8] x, float[4,3,3,3] w) => (float[a,b] y) <int64[2] s = {0, -1}>
        { c = Conv(x, w) y = Reshape(c, s) }"""
    )
    w = model.graph.inputs.pop()
    w.const_value = unreadable([4, 3, 3, 3])
    model.graph.register_initializer(w)

    bare = skeleton(model.graph, opsets={"": 24})

    assert [value.name for value in bare.proto.graph.input] == ["x", "w"]
    assert [tensor.name for tensor in bare.proto.graph.initializer] == ["s"]
    assert set(bare.weights) == {"w"}
    assert infer_shapes(model.graph) == 2
    assert model.graph.outputs[0].shape == ir.Shape([1, 144])


def test_weights_of_constant_nodes_and_of_branches():
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 24]>
        g (float[2] x, bool c) => (float[2] y)
        {
            k = Constant <value = float {1.0}> ()
            y = If (c) <
                then_branch = t () => (float[2] p) { p = Add(x, k) },
                else_branch = e () => (float[2] q) { q = Neg(x) }
            >
        }"""
    )
    graph = model.graph
    graph[0].attributes["value"] = ir.AttrTensor("value", unreadable([99]))
    branch = graph[1].attributes["else_branch"].as_graph()
    add_initializer(branch, "w", unreadable([99]))

    bare = skeleton(graph, opsets={"": 24})

    assert set(bare.weights) == {"k", "w"}
    assert [node.op_type for node in bare.proto.graph.node] == ["If"]
    inner = skeleton(branch, opsets={"": 24})
    assert [value.name for value in inner.proto.graph.input] == ["w", "x"]


def test_annotations():
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 24]>
        g (float[2] x) => (float[2] y) { h = Neg(x) y = Neg(h) }"""
    )
    infer_shapes(model.graph)
    bare = skeleton(model.graph, opsets={"": 24})
    assert not bare.proto.graph.value_info
    assert not bare.proto.graph.output[0].type.tensor_type.HasField("shape")
    full = skeleton(model.graph, opsets={"": 24}, annotate=True)
    assert [value.name for value in full.proto.graph.value_info] == ["h"]
    assert full.proto.graph.output[0].type.tensor_type.shape.dim[0].dim_value == 2


def test_names_are_data():
    """Whatever a name holds, it is a name."""
    name = "../\"x'\n; import os" + "a" * 10_000
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 24]>
        g (float[2] x) => (float[2] y) { h = Neg(x) y = Neg(h) }"""
    )
    model.graph[0].outputs[0].name = name
    infer_shapes(model.graph)
    assert model.graph[0].outputs[0].shape == ir.Shape([2])
    np.testing.assert_array_equal(
        skeleton(model.graph, opsets={}).proto.graph.node[0].output, [name]
    )
