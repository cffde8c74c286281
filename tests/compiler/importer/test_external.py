import os

import numpy as np
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper

from onnx2ms.compiler.importer.load import load_model
from onnx2ms.compiler.ir.errors import ModelError

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)


def network(dtype=TensorProto.FLOAT, dims=(2, 3), **reference):
    weight = TensorProto(name="w", data_type=dtype, dims=dims)
    weight.data_location = TensorProto.EXTERNAL
    for key, value in reference.items():
        weight.external_data.add(key=key, value=str(value))
    graph = helper.make_graph(
        [helper.make_node("Relu", ["w"], ["y"])],
        "g",
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, dims)],
        [weight],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def folder(tmp_path):
    """The model's folder, weights in it and beside it."""
    for name in ("secret.bin", "model/weights.bin", "model/deep/weights.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"head" + WEIGHT.tobytes())
    return tmp_path / "model"


def weights(path):
    tensor = load_model(path).model.graph.initializers["w"].const_value
    assert isinstance(tensor, ir.ExternalTensor)
    return tensor.numpy()


@pytest.mark.parametrize("location", ["weights.bin", "deep/weights.bin", "deep/../weights.bin"])
def test_weights_beside_the_model_are_read(folder, location):
    path = folder / "net.onnx"
    path.write_bytes(network(location=location, offset=4, length=24).SerializeToString())
    np.testing.assert_array_equal(weights(path), WEIGHT)


def test_length_may_be_left_out(folder):
    path = folder / "net.onnx"
    path.write_bytes(network(location="weights.bin", offset=4).SerializeToString())
    np.testing.assert_array_equal(weights(path), WEIGHT)


def test_hard_links_are_read(folder):
    """Package installers link files instead of copying them."""
    path = folder / "net.onnx"
    path.write_bytes(network(location="weights.bin", offset=4).SerializeToString())
    os.link(folder / "weights.bin", folder.parent / "other.bin")
    np.testing.assert_array_equal(weights(path), WEIGHT)


def test_a_cache_of_symbolic_links_is_read(folder, tmp_path):
    """The Hugging Face cache links snapshot/model.onnx to ../blobs/1234, and so its weights."""
    (folder / "1234").write_bytes(network(location="net.onnx_data", offset=4).SerializeToString())
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "net.onnx").symlink_to(folder / "1234")
    (snapshot / "net.onnx_data").symlink_to(folder / "weights.bin")
    np.testing.assert_array_equal(weights(snapshot / "net.onnx"), WEIGHT)


@pytest.mark.parametrize(
    ("reference", "match"),
    [
        ({"location": "../secret.bin", "offset": 4}, "leaves the model's folder"),
        ({"location": "deep/../../secret.bin", "offset": 4}, "leaves the model's folder"),
        ({"location": "link.bin", "offset": 4}, "leaves the model's folder"),
        ({"location": "/etc/passwd"}, "not relative"),
        ({"location": ""}, "not relative"),
        ({}, "not relative"),
        ({"location": "missing.bin"}, "'missing.bin' is missing"),
        ({"location": "loop.bin"}, "is missing"),
        ({"location": "n" * 10_000}, "is missing"),
        ({"location": "a\x00b"}, "is missing"),
        ({"location": "deep"}, "is not a file"),
        ({"location": "pipe"}, "is not a file"),
        ({"location": "weights.bin", "offset": 5}, "bytes 5 to 29 of 'weights.bin', which has 28"),
        ({"location": "weights.bin", "offset": -1}, "bytes -1 to 23"),
        ({"location": "weights.bin", "offset": "many"}, "not a number"),
        ({"location": "weights.bin", "length": 23}, "has 23 bytes, 24 are needed"),
        ({"location": "weights.bin", "length": 25}, "has 25 bytes, 24 are needed"),
        ({"location": "weights.bin", "dtype": TensorProto.STRING}, "type 8 is not supported"),
        ({"location": "weights.bin", "dtype": 99}, "element type 99 is not supported"),
        ({"location": "weights.bin", "dims": (1 << 40, 1 << 40)}, "which has 28"),
        ({"location": "weights.bin", "dims": (-2, -3)}, "negative dimension"),
    ],
)
def test_references_that_are_refused(folder, reference, match):
    (folder / "link.bin").symlink_to(folder.parent / "secret.bin")
    (folder / "loop.bin").symlink_to(folder / "loop.bin")
    os.mkfifo(folder / "pipe")
    path = folder / "net.onnx"
    path.write_bytes(network(**reference).SerializeToString())
    with pytest.raises(ModelError, match=match) as caught:
        load_model(path)
    assert caught.value.message.startswith("net.onnx: tensor 'w'")


@pytest.mark.parametrize(
    "fields",
    [
        {"raw_data": bytes(25)},
        {"raw_data": bytes(23)},
        {"raw_data": bytes(2048)},
        {"float_data": [1.0] * 7},
        {"float_data": [1.0] * 600},
    ],
)
def test_elements_must_fit_the_shape(load, fields):
    model = network()
    model.graph.initializer[0].CopyFrom(TensorProto(name="w", data_type=1, dims=(2, 3), **fields))
    with pytest.raises(ModelError, match="'w'"):
        load(model)
