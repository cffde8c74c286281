"""The checker must catch a pass that is wrong."""

import numpy as np
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.errors import PassError
from onnx2ms.passes.base import graph_pass
from onnx2ms.passes.check import PassChecker, relative_error
from onnx2ms.passes.pipeline import Stage, run_pipeline
from onnx2ms.passes.rewrite import set_attribute, set_inputs

TEXT = """<ir_version: 8, opset_import: ["": 24]>
g (float[2] x) => (float[2] y) { h = Neg(x) y = Sigmoid(h) }"""
INPUTS = {"x": np.asarray([1, 2], np.float32)}


def checked(item, text=TEXT):
    model = ir.from_onnx_text(text)
    checker = PassChecker(model, INPUTS)
    run_pipeline(model, on_pass=checker, stages=[Stage("a", [item])])
    return checker


@graph_pass()
def change_what_is_computed(graph):
    """Replace Sigmoid by Tanh."""
    graph[1].op_type = "Tanh"
    return 1


@graph_pass()
def change_a_type(graph):
    """Say that a value is of a type that it is not."""
    graph[0].outputs[0].dtype = ir.DataType.INT64
    return 1


@graph_pass()
def break_a_node(graph):
    """Give Sigmoid an attribute that it does not have."""
    set_attribute(graph[1], "alpha", 1.0)
    return 1


@graph_pass()
def keep_silent(graph):
    """Change the graph and report nothing; then nothing is checked."""
    graph[1].op_type = "Tanh"
    return 0


@graph_pass()
def drop_an_input(graph):
    """Leave out what a node needs."""
    set_inputs(graph[1])
    return 1


def test_another_result():
    with pytest.raises(PassError, match="change_what_is_computed changed what the model computes"):
        checked(change_what_is_computed)


UNSTABLE = """<ir_version: 8, opset_import: ["": 24]>
g (float[2] x) => (float[2] y) <float large = {1000000}> { h = Mul(x, large) y = Sin(h) }"""


def times(factor):
    @graph_pass()
    def change_the_factor(graph):
        """Multiply by another number."""
        tensor = ir.tensor(np.asarray(factor, np.float32), name="large")
        graph.initializers["large"].const_value = tensor
        return 1

    return change_the_factor


def test_a_change_as_large_as_that_of_the_last_bit_is_none():
    """sin(1e6 x) moves by a tenth if x moves by its last bit."""
    checked(times(np.nextafter(np.float32(1e6), np.float32(2e6))), UNSTABLE)
    with pytest.raises(PassError, match="changed what the model computes"):
        checked(times(1000001), UNSTABLE)


@pytest.mark.parametrize("item", [change_a_type, break_a_node, drop_an_input])
def test_an_invalid_model(item):
    with pytest.raises(PassError, match=f"pass {item.name} left an invalid model"):
        checked(item)


def test_nothing_to_check():
    assert checked(keep_silent).unchecked == []


def test_a_model_that_does_not_run():
    text = TEXT.replace("Neg", "com.acme.Swoosh").replace('"": 24', '"": 24, "com.acme": 1')
    assert checked(change_what_is_computed, text).unchecked == ["change_what_is_computed"]


@pytest.mark.parametrize(
    ("result", "expected", "error"),
    [
        ([1.0, 2.5], [1.0, 2.0], 0.25),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([1.0, 0.0], [0.0, 0.0], np.inf),
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([np.nan, 1.0], [1.0, 1.0], np.inf),
        ([np.inf, 1.0], [np.inf, 1.0], 0.0),
        ([-np.inf, 1.0], [np.inf, 1.0], np.inf),
        ([1.0], [1.0, 1.0], np.inf),
    ],
)
def test_relative_error(result, expected, error):
    assert relative_error(np.asarray(result), np.asarray(expected)) == error


def test_relative_error_of_integers():
    assert relative_error(np.asarray([1, 2]), np.asarray([1, 2])) == 0
    assert relative_error(np.asarray([1, 2]), np.asarray([1, 3])) == np.inf
    assert relative_error(np.asarray([1]), np.asarray([1.0])) == np.inf
