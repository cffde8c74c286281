import re

import onnx
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.errors import UsageError

MODEL = """<ir_version: 8, opset_import: ["": 17]>
    g (float[2,3] x, float[3,4] unneeded) => (float[2,4] y, float[2,3] z)
    <float[3] w = {1, 2, 3}, float[3] v = {1, 2, 3}>
    { a = Add(x, w)  b = MatMul(a, unneeded)  y = Relu(b)  c = Mul(a, v)  z = Relu(c) }"""


def names(values):
    return [value.name for value in values]


def test_what_is_not_needed_goes(load):
    model = load(MODEL, outputs=["a"]).model
    assert names(model.graph.outputs) == ["a"]
    assert names(model.graph.inputs) == ["x"]
    assert [node.op_type for node in model.graph] == ["Add"]
    assert list(model.graph.initializers) == ["w"]


def test_the_order_is_the_wished_one(load):
    model = load(MODEL, outputs=["z", "b", "a"]).model
    assert names(model.graph.outputs) == ["z", "b", "a"]
    assert names(model.graph.inputs) == ["x", "unneeded"]


def test_types_of_the_new_outputs_are_inferred(load):
    model = load(MODEL, outputs=["c", "b"]).model
    assert [list(value.shape) for value in model.graph.outputs] == [[2, 3], [2, 4]]
    onnx.checker.check_model(ir.to_proto(model))


def test_types_of_outputs_without_shape_are_inferred(load):
    model = onnx.parser.parse_model(MODEL)
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    assert [list(value.shape) for value in load(model).model.graph.outputs] == [[2, 4], [2, 3]]


def test_operators_are_counted_before_the_cut(load):
    assert load(MODEL, outputs=["a"]).operators == {"Add": 1, "MatMul": 1, "Mul": 1, "Relu": 2}


def test_inputs_that_are_cut_off_need_no_shape(load):
    model = MODEL.replace("float[3,4] unneeded", 'float[3,"N"] unneeded').replace(
        "float[2,4] y", 'float[2,"N"] y'
    )
    load(model, outputs=["z"])
    with pytest.raises(UsageError, match="there is no input 'unneeded'"):
        load(model, outputs=["z"], shapes={"unneeded": (3, 4)})


@pytest.mark.parametrize(
    ("outputs", "match"),
    [
        (["yy"], "no node makes a value 'yy'; did you mean 'y'"),
        (["nothing like it"], "no node makes a value 'nothing like it'$"),
        (["x"], "no node makes a value 'x'"),
        (["w"], "no node makes a value 'w'"),
        (["a", "a"], "named twice"),
        ([], "no outputs are named"),
        ([""], "no node makes a value ''"),
    ],
)
def test_outputs_that_do_not_exist(load, outputs, match):
    with pytest.raises(UsageError) as caught:
        load(MODEL, outputs=outputs)
    assert re.search(match, caught.value.message)
    assert caught.value.help
