"""Networks whose way through their operators the data decides."""

from pathlib import Path

import onnx.parser
import pytest

import onnx2ms


@pytest.mark.parametrize("name", ["pl_scripted_if_loop", "pl_scripted_fn_in_trace"])
def test_a_short_loop_is_written_turn_after_turn(name: str, restore, tmp_path: Path):
    conversion = onnx2ms.convert(restore(f"legacy/{name}"), tmp_path / "out")
    assert conversion.verified
    after = conversion.report["operators"]["after"]
    assert {"Loop", "If"}.isdisjoint(after)
    assert conversion.source.count("ops.where(") == 3, "a selection a turn"


LIST = """<ir_version: 10, opset_import: ["": 24]>
g (float[4,3] x) => (float[4,3] y) <int64 count = {4}, bool yes = {1}>
{
  empty = SequenceEmpty()
  rows = Loop (count, yes, empty) <
    body = b (int64 i, bool c, seq(float) list) => (bool n, seq(float) longer)
    {
      n = Identity(c)
      row = Gather <axis = 0> (x, i)
      new = Tanh(row)
      longer = SequenceInsert(list, new)
    }
  >
  y = ConcatFromSequence <axis = 0, new_axis = 1> (rows)
}"""


def test_a_list_that_a_loop_fills_is_joined(tmp_path: Path):
    conversion = onnx2ms.convert(onnx.parser.parse_model(LIST), tmp_path / "out")
    assert conversion.verified
    assert conversion.source.count("ops.tanh(") == 4


BRANCHES = """<ir_version: 10, opset_import: ["": 24]>
g (float[n,3] x, bool c) => (float[m,k] y) <float[3,2] w = {1, 2, 3, 4, 5, 6}>
{
  z = Exp(x)
  y = If (c) <
    then_branch = t () => (float[a,2] p) { r = Neg(z) p = MatMul(r, w) },
    else_branch = e () => (float[b,3] q) { q = Identity(z) }
  >
}"""


def test_branches_of_different_shapes_are_run_one_of_them(tmp_path: Path):
    """What a branch reads of the graph around is computed there, and is an argument of its cell."""
    conversion = onnx2ms.convert(onnx.parser.parse_model(BRANCHES), tmp_path / "out")
    assert conversion.verified
    assert "self.then_branch(x) if c else x" in conversion.source
