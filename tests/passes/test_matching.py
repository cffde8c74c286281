"""What a pattern finds, and what becomes of what it found."""

import math

import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.provenance import Module, origins, path_of, set_origins, set_scope
from onnx2ms.passes.matching import find, replace
from onnx2ms.passes.pattern import number, op, product, scalar, symbol

X, Y = symbol("x"), symbol("y")


def graph_of(text, signature="float[2,3] x, float[2,3] u"):
    header = '<ir_version: 8, opset_import: ["": 24]>'
    return ir.from_onnx_text(f"{header} g ({signature}) => (y) {text}").graph


def found(graph, *patterns):
    return list(find(graph, *patterns))


@pytest.mark.parametrize("text", ["y = Add(a, u)", "y = Add(u, a)"])
def test_operands_change_places(text):
    graph = graph_of(f"{{ a = Exp(x) {text} }}")
    (match,) = found(graph, op("Exp", X) + Y)
    assert (match["x"].name, match["y"].name) == ("x", "u")
    assert [node.op_type for node in match.nodes] == ["Exp", "Add"]


def test_operands_of_a_difference_do_not():
    graph = graph_of("{ a = Exp(x) y = Sub(u, a) }")
    assert not found(graph, op("Exp", X) - Y)
    assert found(graph, Y - op("Exp", X))


def test_a_symbol_is_one_value():
    graph = graph_of("{ a = Exp(u) y = Mul(x, a) }")
    assert not found(graph, X * op("Exp", X))


def test_a_condition():
    graph = graph_of("{ y = Exp(x) }")
    assert not found(graph, op("Exp", symbol("x", ir.Value.is_initializer)))


@pytest.mark.parametrize(
    ("type_", "element", "is_found"),
    [
        ("float", "1.4142135", True),  # as float32 rounds it
        ("double", "1.4142135623730951", True),
        ("float16", "15784", True),  # 1.4140625, as float16 rounds it
        ("float", "1.41421", False),
        ("float16", "15780", False),
    ],
)
def test_constants_are_compared_as_they_are_rounded(type_, element, is_found):
    graph = graph_of(f"<{type_} c = {{{element}}}> {{ y = Mul(x, c) }}", f"{type_}[2] x")
    assert bool(found(graph, X * math.sqrt(2))) is is_found


def test_an_error_that_a_constant_may_have():
    graph = graph_of("<float c = {0.166667}> { y = Mul(x, c) }")
    assert not found(graph, X * (1 / 6))
    assert found(graph, X * number(1 / 6, within=3e-6))


@pytest.mark.parametrize(("shape", "is_found"), [("", 1), ("[1]", 1), ("[1,1]", 1), ("[1,1,1]", 0)])
def test_a_constant_must_not_add_axes(shape, is_found):
    graph = graph_of(f"<float{shape} c = {{2}}> {{ y = Mul(x, c) }}")
    assert len(found(graph, X * 2)) == is_found


def test_any_constant():
    graph = graph_of("<float c = {3}> { y = Mul(x, c) }")
    (match,) = found(graph, X * scalar("alpha"))
    assert match.numbers == {"alpha": 3}


@pytest.mark.parametrize(
    "text",
    [
        "a = Mul(x, u) y = Mul(a, c)",
        "a = Mul(c, u) y = Mul(x, a)",
        "a = Mul(c, x) y = Mul(u, a)",
    ],
)
def test_factors_in_any_order(text):
    graph = graph_of(f"<float c = {{3}}> {{ {text} }}")
    assert found(graph, product(op("Identity", X), Y, 3)) == []
    assert found(graph, product(X, Y, 3))


def test_inner_values_must_not_be_read():
    graph = graph_of("{ a = Exp(x) b = Neg(a) c = Abs(a) y = Add(b, c) }")
    assert not found(graph, -op("Exp", X))


def test_inner_values_must_not_be_read_in_a_branch():
    graph = graph_of(
        "{ a = Exp(x) b = Neg(a) c = If (k) <then_branch = t () => (p) { p = Abs(a) },"
        " else_branch = e () => (q) { q = Abs(x) }> y = Add(b, c) }",
        "float[2,3] x, bool k",
    )
    assert not found(graph, -op("Exp", X))


def test_inner_values_must_not_be_outputs():
    text = (
        '<ir_version: 8, opset_import: ["": 24]> g (float[2] x) => (y, a) {a = Exp(x) y = Neg(a)}'
    )
    assert not found(ir.from_onnx_text(text).graph, -op("Exp", X))


def test_attributes_have_the_defaults_of_their_operator():
    graph = graph_of("{ a = Softmax(x) y = HardSigmoid <alpha = 0.5> (a) }")
    assert found(graph, op("Softmax", X, axis=-1))
    assert not found(graph, op("Softmax", X, axis=1))
    assert found(graph, op("HardSigmoid", X, alpha=0.5, beta=0.5))
    assert not found(graph, op("HardSigmoid", X, alpha=0.2))


def test_absent_and_further_inputs():
    graph = graph_of("<float c = {1}> { a = Clip(x, , c) y = Clip(a, c) }")
    assert len(found(graph, op("Clip", X, None, 1))) == 1
    assert len(found(graph, op("Clip", X, 1))) == 1
    assert not found(graph, op("Clip", X))


def test_outputs_are_told_apart():
    graph = graph_of(
        "{ a, b = Split <axis = 1, num_outputs = 2> (x) y = Sub(a, b) }", "float[2,4] x"
    )
    first, second = op("Split", X), op("Split", X, output=1)
    assert found(graph, first - second)
    assert not found(graph, second - first)


def test_larger_patterns_first():
    graph = graph_of("{ a = Exp(x) b = Neg(a) y = Abs(b) }")
    inner = -op("Exp", X)
    assert [len(match.nodes) for match in find(graph, op("Abs", inner), inner)] == [3, 2]


def test_what_is_replaced_is_not_found_again():
    graph = graph_of("{ a = Exp(x) b = Neg(a) c = Exp(b) y = Neg(c) }")
    matches = 0
    for match in find(graph, -op("Exp", X)):
        replace(match, "Reciprocal", [match["x"]])
        matches += 1
    assert matches == 2
    assert [node.op_type for node in graph] == ["Reciprocal", "Reciprocal"]


def test_provenance_goes_to_the_new_node():
    graph = graph_of("{ a = Exp(x) y = Neg(a) }")
    for node, path in zip(graph, ("block.exp", "block.neg"), strict=True):
        set_origins(node, [path])
        set_scope(node, (Module(""), Module("block"), Module(path)))
        node.name = path
    (match,) = found(graph, -op("Exp", X))
    new = replace(match, "Reciprocal", [match["x"]])
    assert origins(new) == ("block.exp", "block.neg")
    assert (path_of(new), new.name) == ("block", "block.neg")
    assert graph.outputs[0] is new.outputs[0]
    assert graph.outputs[0].name == "y"


def test_a_pattern_must_begin_with_an_operator():
    with pytest.raises(TypeError, match="must begin with an operator"):
        found(graph_of("{ y = Exp(x) }"), X)
