"""What is said of a network that computes something else. MindSpore is a stub here."""

import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import pytest

from onnx2ms.compiler.verify import diverge
from onnx2ms.compiler.verify.verify import verify_folder

MODEL = """
import mindspore as ms
from mindspore import nn


def neg(x):
    return ms.Tensor(-x.array)


def double(x):
    return ms.Tensor(2 * x.array)


class Net(nn.Cell):
    def construct(self, x):
        a = neg(x)
        b = double(a)
        return neg(b)


def build_model(checkpoint=None):
    return Net()
"""

GRAPH = """<ir_version: 10, opset_import: ["": 20]>
g (float[2] x) => (float[2] y) <float two = {2}>
{
  [first] a = Neg (x)
  [second] b = Mul (a, two)
  [third] y = Neg (b)
}"""


@pytest.fixture
def verify(stub, tmp_path, place):
    """Return a function that verifies an edited MODEL against GRAPH, or against another graph."""
    folder = tmp_path / "out"
    folder.mkdir()
    texts = {"a": "neg(x)", "b": "double(a)", "y": "neg(b)"}

    def run(*edits, model=GRAPH, places="aby"):
        source = MODEL
        for old, new in edits:
            assert old in source
            source = source.replace(old, new)
        (folder / "model.py").write_text(source)
        onnx.save(onnx.parser.parse_model(model), tmp_path / "m.onnx")
        proto = onnx.shape_inference.infer_shapes(onnx.parser.parse_model(GRAPH))
        result = verify_folder(
            folder,
            model=tmp_path / "m.onnx",
            lowered=ir.from_proto(proto),
            inputs=[{"x": np.array([1.5, -1], np.float32)}],
            source_map=[place(MODEL, v, "Net", "", texts[v]) for v in places],
            source=MODEL,
            modes=["pynative"],
        )
        return result.modes[0]

    return run


def test_nothing_is_said_of_what_is_right(verify):
    mode = verify()
    assert mode.verified
    assert (mode.first_divergence, mode.explanation) == (None, "")


def test_first_value_its_line_and_its_text(verify):
    mode = verify(("double(a)", "double(double(a))"))
    first = mode.first_divergence
    assert (first.node, first.value, first.operator) == ("second", "b", "Mul")
    assert (first.line, first.text) == (17, "b = double(double(a))")
    assert (first.error, first.problem, first.unseen) == (1.0, "", ())


def test_nodes_whose_values_nobody_read_are_named(verify):
    first = verify(("a = neg(x)", "a = double(x)"), places="y").first_divergence
    assert first.node == "third"
    assert first.unseen == ("second", "first")


def test_values_before_an_exception_are_read(verify):
    mode = verify(("a = neg(x)", "a = double(x)"), ("neg(b)", "neg(b, b)"))
    assert mode.failure.startswith("TypeError")
    assert mode.first_divergence.node == "first"


def test_an_exception_after_right_values(verify):
    first = verify(("return neg(b)", "return neg(b, b)")).first_divergence
    assert (first.node, first.text) == ("third", "return neg(b, b)")
    assert first.problem.startswith("it fails here: TypeError")


def test_a_pass_that_changed_the_meaning(verify):
    mode = verify(model=GRAPH.replace("{2}", "{3}"))
    assert mode.first_divergence is None
    assert "a pass changed its meaning" in mode.explanation


def test_another_value_is_returned(verify):
    mode = verify(("return neg(b)", "neg(b)\n        return a"))
    assert mode.first_divergence is None
    assert mode.explanation.endswith("another value, type or number of outputs")


def test_the_reference_itself_is_not_blamed_for_noise(verify, monkeypatch):
    monkeypatch.setattr(diverge, "noise", lambda *a: {"a": 0.3, "b": 0.1, "y": 0.1})
    mode = verify(("-x.array", "-1.5 * x.array"))
    assert mode.first_divergence.node == "second"


def test_a_graph_that_cannot_run(verify, monkeypatch):
    def fail(*args):
        raise RuntimeError("no kernel")

    monkeypatch.setattr(diverge, "intermediates", fail)
    mode = verify(("double(a)", "a"))
    assert mode.explanation == "onnxruntime cannot run the emitted graph: RuntimeError: no kernel"
