"""The sizes at which a network of open dimensions is proved."""

import onnx_ir as ir
import pytest

from onnx2ms.compiler.verify.bindings import sample_bindings
from onnx2ms.passes.pipeline import run_pipeline

HEAD = '<ir_version: 9, opset_import: ["": 20]>'


def bindings(text):
    model = ir.from_onnx_text(HEAD + text)
    run_pipeline(model)
    return sample_bindings(model.graph)


def test_two_sizes_that_differ_everywhere():
    first, second = bindings("g (float[batch,length] x) => (float[batch,length] y) { y = Tanh(x) }")
    assert first == {"batch": 2, "length": 8}
    assert all(first[name] != second[name] for name in first)


def test_a_convolution_finds_room():
    """A kernel of 200 over what is padded by 40 needs 160 elements."""
    weight = ",".join(["0.5"] * 200)
    found = bindings(
        f"g (float[b,1,length] x) => (float[b,1,m] y) <float[1,1,200] w = {{{weight}}}>"
        " { y = Conv<pads=[20,20]>(x, w) }"
    )
    assert all(binding["length"] >= 160 for binding in found)


def test_more_elements_than_are_reflected():
    found = bindings(
        "g (float[b,length] x) => (float[b,m] y) <int64[4] pads = {0,70,0,0}>"
        ' { y = Pad<mode="reflect">(x, pads) }'
    )
    assert all(binding["length"] > 70 for binding in found)


@pytest.mark.parametrize("branch", ["then", "else"])
def test_every_branch_can_be_run(branch):
    yes = "p = MatMul(x, x) q = Tanh(p)"
    no = "p = Abs(x) q = Neg(p)"
    if branch == "else":
        yes, no = no, yes
    found = bindings(
        "g (float[n,m] x, bool c) => (float[n,m] y) { y = If(c)<"
        f"then_branch = t () => (float[n,m] q) {{ {yes} }},"
        f"else_branch = e () => (float[n,m] q) {{ {no} }}> }}"
    )
    assert found
    assert all(binding["n"] == binding["m"] for binding in found)
