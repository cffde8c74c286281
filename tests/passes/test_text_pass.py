"""Passes as ONNX text: what is a match, what becomes of it, and what is no pass."""

from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.errors import PluginError
from onnx2ms.compiler.ir.provenance import origins, set_origins
from onnx2ms.passes.check import PassChecker
from onnx2ms.passes.pipeline import Stage, run_pipeline
from onnx2ms.passes.text_pass import read_pass, text_pass

HEADER = '<domain: "t", opset_import: ["": 20]>'
OLD = '<domain: "t", opset_import: ["": 11]>'


def run(pattern: str, replacement: str, graph: str, header: str = HEADER) -> tuple[list[str], Any]:
    """Run a pass on a graph, checked; return the operators afterwards, and the model."""
    model: Any = ir.from_onnx_text(f'<ir_version: 10, opset_import: ["": 24]>\n{graph}')
    for node in model.graph:
        node.name = node.outputs[0].name
        set_origins(node, [node.name or ""])
    item = text_pass("it", f"{header} pattern {pattern}", f"{header} r {replacement}", doc="It.")
    rng = np.random.default_rng(0)
    inputs = {v.name: rng.standard_normal(v.shape.numpy(), np.float32) for v in model.graph.inputs}
    run_pipeline(model, stages=[Stage("a", [item])], on_pass=PassChecker(model, inputs))
    return [node.op_type for node in model.graph], model


def test_a_match_is_replaced_with_its_provenance():
    graph = """g (float[2,4] x) => (float[2,4] y) <float[1] one = {1.0}> {
        s = Sigmoid(x) p = Mul(x, s) y = Neg(p) }"""
    after, model = run(
        "(x) => (y) { s = Sigmoid (x) y = Mul (s, x) }",
        "(x) => (y) { z = Swish (x) y = Identity (z) }",
        graph,
        '<domain: "t", opset_import: ["": 24]>',
    )
    assert after == ["Swish", "Identity", "Neg"]
    assert [origins(node) for node in model.graph] == [("s", "p"), ("s", "p"), ("y",)]
    assert all(node.outputs[0].dtype is ir.DataType.FLOAT for node in model.graph)


@pytest.mark.parametrize(
    "graph",
    [
        "g (float[2,4] x) => (float[2,4] y, float[2,4] s) { s = Sigmoid(x) y = Mul(x, s) }",
        "g (float[2,4] x, float[2,4] z) => (float[2,4] y) { s = Sigmoid(z) y = Mul(x, s) }",
        "g (float[2,4] x) => (float[2,4] y) { s = Tanh(x) y = Mul(x, s) }",
    ],
    ids=["another reader", "another value", "another operator"],
)
def test_what_is_no_match_stays(graph):
    after, _ = run(
        "(x) => (y) { s = Sigmoid (x) y = Mul (s, x) }", "(x) => (y) { y = Neg (x) }", graph
    )
    assert "Neg" not in after


def test_an_attribute_that_is_not_mentioned_has_its_default():
    pattern, replacement = (
        "(x) => (y) { y = Softmax (x) }",
        "(x) => (y) { y = Softmax <axis=-1> (x) }",
    )
    graph = "g (float[2,4] x) => (float[2,4] y) { y = Softmax <axis = AXIS> (x) }"
    for axis, count in ((-1, 1), (0, 0)):
        _, model = run(pattern, replacement, graph.replace("AXIS", str(axis)))
        assert model.graph[0].name.startswith("y/") == bool(count)


def test_an_attribute_is_handed_on():
    graph = "g (float[2,4] x) => (float[2,4] y) { y = LeakyRelu <alpha = 0.25> (x) }"
    after, model = run(
        "<slope> (x) => (y) { y = LeakyRelu <alpha: float = @slope> (x) }",
        """<slope> (x) => (y) { a = Constant <value_float: float = @slope> () zero = Sub (a, a)
             l = Mul (x, a) c = Less (x, zero) y = Where (c, l, x) }""",
        graph,
    )
    assert after == ["Sub", "Mul", "Less", "Where"]
    assert model.graph[1].inputs[1].const_value.numpy() == np.float32(0.25)


def test_constants_of_several_elements_stand_for_themselves():
    graph = "g (float[2,4] x) => (float[4,2] y) { t = Transpose <perm=[1,0]> (x) y = Neg(t) }"
    pattern = "(x) => (y) { t = Transpose <perm = PERM> (x) y = Neg (t) }"
    replacement = "(x) => (y) { n = Neg (x) y = Transpose <perm = [1, 0]> (n) }"
    assert run(pattern.replace("PERM", "[1, 0]"), replacement, graph)[0] == ["Neg", "Transpose"]
    assert run(pattern.replace("PERM", "[0, 1]"), replacement, graph)[0] == ["Transpose", "Neg"]
    graph = (
        """g (float[2,3] x) => (float[2,3] y) <float[3] c = {1.0, 2.0, 3.0}> { y = Mul(x, c) }"""
    )
    pattern = "(x) => (y) { c = Constant <value_floats = [1.0, 2.0, LAST]> () y = Mul (x, c) }"
    replacement = "(x) => (y) { c = Constant <value_floats = [1.0, 2.0, 3.0]> () y = Mul (c, x) }"
    for last, name in (("3.0", "y/Mul"), ("4.0", "y")):
        assert run(pattern.replace("LAST", last), replacement, graph)[1].graph[0].name == name


def test_an_older_operator_set_is_read_as_it_was_meant():
    """Clip-6 had attributes."""
    graph = """g (float[2,4] x) => (float[2,4] y) <float low = {0.0}, float high = {6.0}> {
        c = Clip(x, low, high) y = Neg(c) }"""
    clip = "c = Clip <min = 0.0, max = 6.0> (x)"
    after, _ = run(
        f"(x) => (y) {{ {clip} y = Neg (c) }}",
        f"(x) => (y) {{ {clip} d = Neg (c) y = Identity (d) }}",
        graph,
        '<domain: "t", opset_import: ["": 10]>',
    )
    assert after == ["Clip", "Neg", "Identity"]


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        ("nonsense", "(x) => (y) { y = Neg (x) }", "the pattern of the pass it is no ONNX text"),
        ("(x) => (y, z) { y = Neg (x) z = Abs (x) }", "(x) => (y) { y = Neg (x) }", "one output"),
        ("(x) => (y) { y = Neg (x) }", "(x, w) => (y) { y = Add (x, w) }", "reads w"),
        (
            "(x) => (y) { y = Neg (x) }",
            "<a> (x) => (y) { y = LeakyRelu <alpha: float = @a> (x) }",
            "no node of the pattern tells a",
        ),
        ("(y) => (y) { z = Neg (y) }", "(y) => (y) { z = Neg (y) }", "computes nothing"),
    ],
)
def test_what_is_no_pass_is_told(pattern, replacement, message):
    with pytest.raises(PluginError, match=message):
        text_pass("it", f"{HEADER} p {pattern}", f"{HEADER} r {replacement}", doc="It.")


def test_a_file_tells_its_place(tmp_path):
    file = tmp_path / "negate.onnxtxt"
    body = f"{HEADER} p (x) => (y) {{ y = Abs (x) }}\n----- becomes -----\n"
    body += f"{HEADER} r (x) => (y) {{ y = Abs (x) }}\n"
    file.write_text(f"# What it does.\n# stage: fuse\n# after: fuse_gelu, fuse_glu\n{body}")
    item = read_pass(file)
    assert (item.name, item.doc, item.stage) == ("negate", "What it does.", "fuse")
    assert item.after == ("fuse_gelu", "fuse_glu")
    file.write_text(body)
    with pytest.raises(PluginError, match="lacks a comment that says what it does"):
        read_pass(file)
