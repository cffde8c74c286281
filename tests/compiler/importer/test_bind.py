import numpy as np
import onnx
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.errors import UsageError

HEADER = '<ir_version: 8, opset_import: ["": 17]>'
IMAGE = HEADER + 'g (float["N",3,"H","W"] image) => (float["N",3,"H","W"] y) { y = Relu(image) }'
PAIR = (
    HEADER
    + """g (float["N",4] a, float["N",4] b) => (float["N",4] y, float[2,4] z)
    <float["N",4] s, float[2,4] t> { s = Add(a, b)  y = Relu(s)  t = Add(a, b)  z = Relu(t) }"""
)


def dims(value):
    return None if value.shape is None else [getattr(dim, "value", dim) for dim in value.shape]


@pytest.mark.parametrize("key", ["image", ""])
@pytest.mark.parametrize("shape", [(1, 3, 8, 8), ["1", 3, np.int64(8), 8]])
def test_dimensions_are_written(load, key, shape):
    graph = load(IMAGE, shapes={key: shape}).model.graph
    assert dims(graph.inputs[0]) == [1, 3, 8, 8]


def test_a_symbol_gets_its_number_in_every_input(load):
    graph = load(PAIR, shapes={"a": (2, 4)}).model.graph
    assert [dims(value) for value in graph.inputs] == [[2, 4], [2, 4]]


def test_shapes_that_depend_on_a_symbol_are_forgotten(load):
    graph = load(PAIR, shapes={"a": (2, 4)}).model.graph
    values = {value.name: dims(value) for node in graph for value in node.outputs}
    assert values == {"s": None, "y": [None, 4], "t": [2, 4], "z": [2, 4]}
    assert all(value.type is not None for node in graph for value in node.outputs)


def test_a_bound_model_is_valid(load):
    onnx.checker.check_model(ir.to_proto(load(PAIR, shapes={"a": (2, 4)}).model))


def test_an_input_without_a_shape_gets_one(load):
    model = onnx.parser.parse_model(HEADER + "g (float[1] x) => (float[1] y) { y = Relu(x) }")
    model.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(UsageError, match="how many dimensions 'x' has") as caught:
        load(model)
    assert "--shape 'x:?,?'" in caught.value.help
    assert dims(load(model, shapes={"x": (5, 6)}).model.graph.inputs[0]) == [5, 6]


def test_a_negative_dimension_in_the_file_is_unknown(load):
    model = onnx.parser.parse_model(HEADER + "g (float[1] x) => (float[1] y) { y = Relu(x) }")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    assert dims(load(model).model.graph.inputs[0]) == ["length"]
    assert dims(load(model, shapes={"x": (5,)}).model.graph.inputs[0]) == [5]


def test_a_shape_of_unknown_rank_is_asked_for_with_the_flags(load):
    model = onnx.parser.parse_model(IMAGE)
    model.graph.input[0].name = model.graph.node[0].input[0] = "a b;c:0"
    model.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(UsageError) as caught:
        load(model)
    assert caught.value.exit_status == 2
    assert caught.value.message == ("net.onnx does not tell how many dimensions 'a b;c:0' has")
    assert caught.value.help.endswith("--shape 'a b;c:0:?,?'")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ('"N",3,"H","W"', ["N", 3, "H", "W"]),
        ('"s77",3,"s53","s0"', ["batch", 3, "height", "width"]),
        ('"?",3,"a b","__import__"', ["batch", 3, "height", "width"]),
        ('"unk__1","s5","s6",3', ["batch", "height", "width", 3]),
        ('"N","lambda","class","N"', ["N", "channels", "height", "N"]),
        ('"s1","s1","s1","s1"', ["batch"] * 4),
    ],
)
def test_open_dimensions_have_names_that_can_stand_in_source(load, given, named):
    graph = load(IMAGE.replace('"N",3,"H","W"', given)).model.graph
    assert dims(graph.inputs[0]) == named


def test_two_batches_have_two_names(load):
    model = (
        HEADER
        + """g (int64["s18","s41"] ids, int64["s43","s41"] mask) => (int64["n","m"] y)
        { y = Add(ids, mask) }"""
    )
    graph = load(model).model.graph
    assert [dims(value) for value in graph.inputs] == [
        ["batch", "length"],
        ["mask_batch", "length"],
    ]


@pytest.mark.parametrize(
    ("model", "shapes", "problem"),
    [
        (IMAGE, {"imag": (1, 3, 8, 8)}, "no input 'imag'; did you mean 'image'?"),
        (IMAGE, {"other": (1, 3, 8, 8)}, "no input 'other'"),
        (IMAGE, {"image": (3, 8, 8)}, "3 dimensions for the input 'image', which has 4"),
        (IMAGE, {"image": (1, 4, 8, 8)}, "4 for dimension 1 of the input 'image', which the model"),
        (IMAGE, {"image": (1, "C", 8, 8)}, "C for dimension 1"),
        (IMAGE, {"image": (0, 3, 8, 8)}, "0 in the shape of 'image' is not a positive number"),
        (IMAGE, {"image": (-1, 3, 8, 8)}, "-1 in the shape"),
        (IMAGE, {"image": ("-1", 3, 8, 8)}, "'-1' in the shape"),
        (IMAGE, {"image": ("", 3, 8, 8)}, "'' in the shape"),
        (IMAGE, {"image": (1.5, 3, 8, 8)}, "1.5 in the shape"),
        (IMAGE, {"": (1, 3, 8, 8), "image": (1, 3, 8, 8)}, "two shapes for the input 'image'"),
        (PAIR, {"": (2, 4)}, "a shape without a name, but 2 inputs"),
        (PAIR, {"a": (2, 4), "b": (3, 4)}, "'N' cannot be both 2 and 3"),
        (PAIR, {"y": (2, 4)}, "no input 'y'"),
    ],
)
def test_shapes_that_do_not_fit(load, model, shapes, problem):
    with pytest.raises(UsageError) as caught:
        load(model, shapes=shapes)
    assert caught.value.message.startswith(
        f"net.onnx: {problem}".replace("no input", "there is no input")
    )
    assert "its inputs are" in caught.value.message
    assert "--shape" in caught.value.help


def test_a_model_without_inputs(load):
    model = HEADER + "g () => (float[2] y) <float[2] w = {1, 2}> { y = Relu(w) }"
    assert not load(model).model.graph.inputs
    with pytest.raises(UsageError, match="has no inputs"):
        load(model, shapes={"x": (1,)})
