"""Operators of our own domain: each has a definition that is valid, and an emitter."""

import onnx
import onnx.checker
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.dialect import DOMAIN, IR_VERSION, OPSET
from onnx2ms.emitters.mindspore.operators import EMITTERS
from onnx2ms.passes.functions import DEFINITIONS, declare
from onnx2ms.passes.pipeline import STAGES


def model_with(name):
    """Return a model of one node."""
    x, y = ir.Value(name="x"), ir.Value(name="y")
    node = ir.node(name, [x], domain=DOMAIN, outputs=[y])
    graph = ir.Graph([x], [y], nodes=[node], opset_imports={"": OPSET}, name="graph")
    return ir.Model(graph, ir_version=IR_VERSION)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_is_valid(name):
    model = model_with(name)
    declare(model, [name])
    for function in ir.to_proto(model).functions:
        context = onnx.checker.C.CheckerContext()
        context.ir_version = IR_VERSION
        context.opset_imports = {"": OPSET, DOMAIN: 1}
        onnx.checker.check_function(function, context)
    assert model.opset_imports[DOMAIN] == 1


def test_what_a_definition_uses_is_declared_too():
    model = model_with("StandardDeviation")
    declare(model, ["StandardDeviation"])
    assert {function.name for function in model.functions.values()} == {
        "StandardDeviation",
        "Variance",
    }


def test_nothing_else_is_declared():
    model = model_with("Glu")
    declare(model, DEFINITIONS)
    assert [function.name for function in model.functions.values()] == ["Glu"]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_has_an_emitter_and_a_pass(name):
    assert (DOMAIN, name) in EMITTERS
    assert any(name in item.writes for stage in STAGES for item in stage.passes)
