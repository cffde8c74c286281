import os

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnx2ms.compiler.importer.load import load_model
from onnx2ms.compiler.importer.wire import LARGE, skeleton
from onnx2ms.compiler.ir.errors import ModelError
from onnx2ms.compiler.ir.protobuf import delimited

RNG = np.random.default_rng(0)
LARGE_ARRAY = RNG.standard_normal((20, 30)).astype(np.float32)


def tensor_of(name, array, field):
    if field == "raw_data":
        return numpy_helper.from_array(array, name)
    return helper.make_tensor(
        name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, array.reshape(-1)
    )


def network(*tensors):
    """A network that returns its weights, each by an Identity."""
    nodes = [helper.make_node("Identity", [t.name], [f"{t.name}_out"]) for t in tensors]
    outputs = [helper.make_tensor_value_info(f"{t.name}_out", t.data_type, t.dims) for t in tensors]
    graph = helper.make_graph(nodes, "g", [], outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("array", "field"),
    [
        (LARGE_ARRAY, "raw_data"),
        (LARGE_ARRAY, "float_data"),
        (LARGE_ARRAY.astype(np.float64), "double_data"),
        ((LARGE_ARRAY + 1j).astype(np.complex64), "float_data"),
        ((LARGE_ARRAY + 1j).astype(np.complex128), "double_data"),
    ],
)
def test_elements_that_lie_as_in_memory_stay_in_the_file(load, array, field):
    imported = load(network(tensor_of("w", array, field)))
    tensor = imported.model.graph.initializers["w"].const_value
    assert isinstance(tensor, ir.ExternalTensor)
    assert tensor.path == str(imported.file)
    np.testing.assert_array_equal(tensor.numpy(), array)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint64, np.float16, bool])
def test_elements_that_are_packed_otherwise_are_read(load, dtype):
    array = (LARGE_ARRAY * 10).astype(dtype)
    imported = load(network(tensor_of("w", array, "int_data")))
    tensor = imported.model.graph.initializers["w"].const_value
    assert tensor is not None
    np.testing.assert_array_equal(tensor.numpy(), array)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_linked_model_is_read(write, tmp_path, link):
    """Package installers make hard links, caches symbolic ones."""
    path = write(network(tensor_of("w", LARGE_ARRAY, "raw_data")))
    (tmp_path / "elsewhere").mkdir()
    link(path, tmp_path / "elsewhere/linked.onnx")
    tensor = (
        load_model(tmp_path / "elsewhere/linked.onnx").model.graph.initializers["w"].const_value
    )
    assert tensor is not None
    np.testing.assert_array_equal(tensor.numpy(), LARGE_ARRAY)


def test_small_tensors_stay_in_the_message(load):
    array = np.zeros(LARGE // 4, np.float32)
    imported = load(network(tensor_of("w", array, "raw_data")))
    assert not isinstance(imported.model.graph.initializers["w"].const_value, ir.ExternalTensor)


def test_nothing_but_large_elements_is_left_out(write, light):
    path = write(light.read_bytes())
    model = onnx.ModelProto.FromString(skeleton(path.read_bytes(), path.name))
    assert model == onnx.load(light)


def test_light_models_hold_the_same_tensors(light):
    expected = {t.name: numpy_helper.to_array(t) for t in onnx.load(light).graph.initializer}
    values = load_model(light).model.graph.initializers
    assert values.keys() == expected.keys()
    for name, array in expected.items():
        tensor = values[name].const_value
        assert tensor is not None
        np.testing.assert_array_equal(tensor.numpy(), array)


def test_tensors_in_attributes_subgraphs_and_functions_stay_in_the_file(load):
    weight = tensor_of("", LARGE_ARRAY, "raw_data")
    shape = LARGE_ARRAY.shape

    def branch(name):
        node = helper.make_node("Constant", [], [name], value=weight)
        output = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        return helper.make_graph([node], name, [], [output])

    body = [helper.make_node("Constant", [], ["c"], value=weight)]
    function = helper.make_function("own", "F", [], ["c"], body, [helper.make_opsetid("", 17)])
    many = helper.make_node("Many", ["f"], ["m"], domain="own", tensors=[weight, weight])
    nodes = [
        helper.make_node("F", [], ["f"], domain="own"),
        many,
        helper.make_node("If", ["p"], ["i"], then_branch=branch("t"), else_branch=branch("e")),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("p", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "fi"],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, functions=[function], opset_imports=opsets, ir_version=8)
    imported = load(model)
    constants = [
        node.attributes["value"].value
        for node in imported.model.graph.all_nodes()
        if node.op_type == "Constant"
    ]
    (tensors,) = (
        node.attributes["tensors"].value for node in imported.model.graph if node.op_type == "Many"
    )
    assert len(constants) == 3
    for tensor in (*constants, *tensors):
        assert isinstance(tensor, ir.ExternalTensor)
        np.testing.assert_array_equal(tensor.numpy(), LARGE_ARRAY)


def test_truncated_anywhere_is_an_error(write):
    whole = network(tensor_of("w", LARGE_ARRAY, "raw_data")).SerializeToString()
    for size in range(1, len(whole), 7):
        with pytest.raises(ModelError):
            load_model(write(whole[:size]))


def test_truncation_is_named(write):
    whole = network(tensor_of("w", LARGE_ARRAY, "raw_data")).SerializeToString()
    with pytest.raises(ModelError, match=r"^net\.onnx is truncated at byte 1000\n"):
        load_model(write(whole[:1000]))


@pytest.mark.parametrize(
    ("content", "help_"),
    [
        (b"PK\x03\x04rest of an archive", "torch.onnx.export"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"import torch\n", "export"),
        (b"\x89PNG\r\n\x1a\n", "export"),
        (bytes(100), "export"),
        (b"\xff" * 100, "export"),
        (b"\x08\x07", "export"),
    ],
)
def test_other_formats_are_not_onnx(write, content, help_):
    with pytest.raises(ModelError, match=r"^net\.onnx is not an ONNX file") as caught:
        load_model(write(content))
    assert help_ in caught.value.help


def test_damage_inside_the_graph_is_named(write):
    whole = bytearray(network(tensor_of("w", LARGE_ARRAY, "raw_data")).SerializeToString())
    position = whole.index(b"\n\x01w\x12")  # the first field of the first node
    whole[position] = 0x07  # no such wire type
    with pytest.raises(ModelError, match="damaged"):
        load_model(write(bytes(whole)))


def test_deep_nesting_is_an_error(write):
    graph = delimited(10, b" " * LARGE)  # a text, so that every message is large
    for _ in range(40):
        graph = delimited(1, delimited(5, delimited(6, graph)))  # attribute, node, graph
    with pytest.raises(ModelError, match="more than 100 deep"):
        load_model(write(b"\x08\x08" + delimited(7, graph)))
