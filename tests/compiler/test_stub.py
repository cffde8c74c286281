"""Operators that nobody can emit: all told at once, or a cell that raises in place of each."""

import ast
import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import onnx2ms
from onnx2ms.compiler import cli
from onnx2ms.compiler.ir.errors import NotProvenError, UnsupportedError
from onnx2ms.emitters.mindspore.code import call
from onnx2ms.emitters.mindspore.operators import EMITTERS

HEAD = '<ir_version: 9, opset_import: ["": 20, "com.acme": 1]>'
NETWORK = """
g (float[N,8] x) => (float[N,4] y, float[N,8] z) <float[N,8] s> {
  a = Relu(x)
  [first] s = com.acme.Swoosh<alpha=0.5, mode="fast", table=float[2] {1.0, 2.0}>(a, w)
  b = MatMul(s, v)
  [second] t, u = com.acme.FastGelu(s, , a)
  [third] d = com.acme.Swoosh<alpha=0.125>(u)
  y = Add(b, d)
  z = Tanh(a)
}"""
SHAPELESS = """
g (float[2,8] x) => (float[2,4] y) {
  s = com.acme.Swoosh(x)
  b = MatMul(s, v)
  y = Softmax(b)
}"""
BODIES = """
g (float[2,8] x, int64 count) => (float[2,8] y) {
  a = Tanh(x)
  begin = Constant<value_int=1>()
  go = Cast<to=9>(begin)
  y = Loop(count, go, a)<body = turn (int64 i, bool c, float[2,8] h) => (bool k, float[2,8] o)
    <float[2,8] s> {
      k = Identity(c)
      s = com.acme.Swoosh(h)
      o = Relu(s)
  }>
}"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a model of the text of its graph."""

    def write(text):
        model = onnx.parser.parse_model(HEAD + text)
        rng = np.random.default_rng(0)
        for name, shape in (("v", (8, 4)), ("w", (8,))):
            array = rng.standard_normal(shape).astype(np.float32)
            model.graph.initializer.append(numpy_helper.from_array(array, name))
        onnx.save(model, tmp_path / "net.onnx")
        return tmp_path / "net.onnx"

    return write


def test_all_that_cannot_be_emitted_is_told_at_once(write, tmp_path):
    with pytest.raises(UnsupportedError) as error:
        onnx2ms.convert(write(NETWORK), tmp_path / "out")
    assert str(error.value).splitlines() == [
        "cannot compile net.onnx: 2 operators not supported",
        "",
        "  com.acme.Swoosh     2 nodes",
        "    at    first",
        "    at    third",
        "    why   no emitter for domain 'com.acme'",
        "    near  Swish, Cosh",
        "  com.acme.FastGelu     1 node",
        "    at    second",
        "    why   no emitter for domain 'com.acme'",
        "    near  Gelu, Selu",
        "",
        "help: write an emitter (docs/plugins.md), or convert the rest with --stub;"
        " `onnx2ms ops` lists what is supported",
    ]
    assert not (tmp_path / "out").exists()


def test_what_only_lacks_a_shape_is_told_behind_its_cause(write):
    with pytest.raises(UnsupportedError) as error:
        onnx2ms.convert(write(SHAPELESS))
    told = str(error.value)
    assert "1 operator not supported" in told
    assert "  behind them, of shapes that nobody knows then: MatMul\n" in told
    assert [problem.behind for problem in error.value.problems] == [False, True]


def test_a_stub_raises_with_signature_and_attributes(write, tmp_path):
    conversion = onnx2ms.convert(write(NETWORK), tmp_path / "out", stub=True)
    assert conversion.verified is False
    assert conversion.verification is not None
    assert conversion.verification.verified
    names = {output.name for mode in conversion.verification.modes for output in mode.outputs}
    assert names == {"a", "z"}
    assert [stub.problem.node for stub in conversion.stubs] == ["first", "second", "third"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["stubs"][1] == {
        "operator": "com.acme.FastGelu",
        "node": "second",
        "path": "",
        "reason": "no emitter for domain 'com.acme'",
        "class_name": "FastGelu",
        "cell": conversion.stubs[1].cell,
    }
    cell = conversion.cell()
    stubs = [dict(cell.cells_and_names())[stub.cell] for stub in conversion.stubs]
    message = "com.acme.Swoosh(float (N, 8), float (8)) -> float (N, 8), "
    attributes = "alpha=0.5, mode='fast', table=(1.0, 2.0)"
    assert stubs[0].missing == f"{message}{attributes}"
    assert stubs[2].alpha == 0.125
    import mindspore as ms

    for mode in (ms.PYNATIVE_MODE, ms.GRAPH_MODE):
        ms.set_context(mode=mode)
        with pytest.raises(NotImplementedError, match=r"com\.acme\.Swoosh"):
            cell(ms.Tensor(np.zeros((3, 8), np.float32)))


def test_a_stub_is_filled_in_by_hand(write):
    conversion = onnx2ms.convert(write(SHAPELESS), stub=True, verify="none")
    assert conversion.verified is None
    import mindspore as ms

    ms.set_context(mode=ms.PYNATIVE_MODE)
    cell = conversion.cell()
    cell.swoosh.construct = lambda x: x
    cell.matmul.construct = lambda x, w: x @ w
    x = np.random.default_rng(1).standard_normal((2, 8)).astype(np.float32)
    result = cell(ms.Tensor(x))
    assert isinstance(result, ms.Tensor)
    assert result.asnumpy().sum() == pytest.approx(2, rel=1e-6)


def test_what_is_wrong_before_a_stub_is_found(write, monkeypatch):
    wrong = replace(EMITTERS["", "Relu"], emit=lambda op: call("ops.abs", op[0]))
    monkeypatch.setitem(EMITTERS, ("", "Relu"), wrong)
    with pytest.raises(NotProvenError) as error:
        onnx2ms.convert(write(NETWORK), stub=True, verify="pynative")
    assert "first diverging node" in str(error.value)
    assert "model.py, line" not in str(error.value)


def test_nothing_is_before_a_stub(write):
    conversion = onnx2ms.convert(write(SHAPELESS), stub=True)
    assert (conversion.verified, conversion.verification) == (False, None)


def test_a_stub_in_the_body_of_a_loop(write):
    conversion = onnx2ms.convert(write(BODIES), stub=True, verify="pynative")
    assert [stub.cell for stub in conversion.stubs] == ["body.swoosh"]
    assert conversion.verification is not None
    (mode,) = conversion.verification.modes
    assert ("a", True) in [(output.name, output.passed) for output in mode.outputs]


def test_the_command_ends_with_status_4(write, tmp_path, capsys):
    folder = tmp_path / "out"
    status = cli.main([str(write(NETWORK)), "-o", str(folder), "--stub", "--verify", "pynative"])
    out, err = capsys.readouterr()
    assert status == 4
    assert "what needs no operator that is still to be written:\nproved in PYNATIVE" in out
    assert err.startswith("net.onnx is converted but for 3 nodes, to be written by hand\n")
    assert "  class Swoosh     com.acme.Swoosh, 2 nodes\n    at    " in err
    assert ": first\n" in err


def test_a_model_without_unknown_operators_has_no_stubs(model, tmp_path):
    plain = onnx2ms.convert(model, stub=True, verify="pynative")
    assert (plain.verified, list(plain.stubs), plain.report["stubs"]) == (True, [], [])


def test_names_of_an_unknown_operator_are_data(write):
    text = NETWORK.replace("mode=", "class=").replace('"fast"', r'"\"); import os #"')
    hostile = onnx.parser.parse_model(HEAD + text)
    for node in hostile.graph.node:
        if node.op_type == "Swoosh":
            node.op_type = '"""); import os\n\\'
            node.attribute[0].name = "self"
    path = write(NETWORK)
    weights = onnx.load(path).graph.initializer
    hostile.graph.initializer.extend(weights)
    source = onnx2ms.convert(hostile, stub=True, verify="none").source
    imports = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import)]
    assert [alias.name for node in imports for alias in node.names] == ["mindspore"]
