import pytest

from onnx2ms.compiler.ir.provenance import scope_of

HEADER = '<ir_version: 8, opset_import: ["": 17], producer_name: "tf2onnx">'


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("model/conv2d_1/Conv2D", ["", "conv2d_1"]),
        ("model/Relu", [""]),
        ("StatefulPartitionedCall/model/conv2d/Conv2D", ["", "conv2d"]),
        ("model/lstm/PartitionedCall_1/lstm/transpose", ["", "lstm"]),
        ("model/tf.nn.relu_3/Relu", ["", "tf_nn_relu_3"]),
        ("model/a/b/Conv2D;model/a/b/BiasAdd", ["", "a", "a.b"]),
        ("Transpose__316", []),
        ("model/" + "a/b/" * 100 + "Relu", []),
    ],
)
def test_scopes_are_the_parts_of_the_name(load, name, scope):
    imported = load(
        f"""{HEADER} g (float[2] x) => (float[2] y)
        {{ ["model/dense/MatMul"] a = Relu(x)  ["{name}"] y = Relu(a) }}"""
    )
    node = list(imported.model.graph)[1]
    assert imported.exporter == ""
    assert [module.path for module in scope_of(node)] == scope


def test_several_outermost_names_are_layers(load):
    imported = load(
        f"""{HEADER} g (float[2] x) => (float[2] y)
        {{ ["encoder/dense/MatMul"] a = Relu(x)  ["decoder/dense/MatMul"] y = Relu(a) }}"""
    )
    assert [scope_of(node)[-1].path for node in imported.model.graph] == [
        "encoder.dense",
        "decoder.dense",
    ]


def test_names_of_other_producers_are_not_scopes(load):
    imported = load(
        """<ir_version: 3, opset_import: ["": 9], producer_name: "onnx-caffe2">
        g (float[2] x) => (float[2] y) { ["gpu_0/conv1"] y = Relu(x) }"""
    )
    assert scope_of(next(iter(imported.model.graph))) == ()
