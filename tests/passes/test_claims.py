"""What a model merely claims is never in memory: neither by folding nor by what passes write."""

import resource
from collections.abc import Generator
from pathlib import Path

import numpy as np
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.errors import ModelError, Onnx2msError
from onnx2ms.compiler.ir.graph import integers
from onnx2ms.passes.pipeline import run_pipeline
from onnx2ms.passes.shapes.fold_constants import CLAIMED_BYTES
from onnx2ms.passes.shapes.splat import Splat

HUGE = 2**40
ROOM = 2**30


@pytest.fixture(autouse=True)
def room() -> Generator[None]:
    """Let a test have a GiB more than there is."""
    import onnxruntime  # noqa: F401  its own pages are no claim of a model

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    old = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, old[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, old)


def rewritten(body: str, constants: str, inputs: str = "float[1] x") -> list[str]:
    text = f"""<ir_version: 10, opset_import: ["": 21]>
        g ({inputs}) => (float[n] y) <{constants}> {{ {body} }}"""
    model = ir.from_onnx_text(text)
    run_pipeline(model)
    return [node.op_type for node in model.graph]


SIZE = f"int64[1] n = {{{HUGE}}}, float[1] one = {{1.0}}"
NUMBER = f"int64 n = {{{HUGE}}}, int64 zero = {{0}}, int64 step = {{1}}"


@pytest.mark.parametrize(
    ("body", "constants", "left"),
    [
        ("a = ConstantOfShape(n) y = Add(a, x)", SIZE, "ConstantOfShape"),
        ("a = ConstantOfShape(n) y = Relu(a)", SIZE, "ConstantOfShape"),
        ("a = ConstantOfShape(n) y = ReduceSum(a)", SIZE, "ConstantOfShape"),
        ("a = Expand(one, n) y = Mul(a, x)", SIZE, "Expand"),
        ("a = Tile(one, n) y = Mul(a, x)", SIZE, "Tile"),
        ("a = Range(zero, n, step) y = Cast<to = 1>(a)", NUMBER, "Range"),
        ("a = Pad(one, p) y = Mul(a, x)", f"{SIZE}, int64[2] p = {{0, {HUGE}}}", "Pad"),
        ('a = Resize<mode = "linear">(x, , , n) y = Relu(a)', SIZE, "Resize"),
        (
            "a = OneHot(i, n, v) b = ReduceSum(a) y = Reshape(b, n1)",
            f"{NUMBER}, int64[1] i = {{3}}, float[2] v = {{0.0, 1.0}}, int64[1] n1 = {{1}}",
            "OneHot",
        ),
        ("a = ConstantOfShape(n) y = Reshape(x, a)", SIZE, "ConstantOfShape"),
        ("a = Tile(one, n) s = Slice(a, i, j) y = Mul(s, x)",
         f"{SIZE}, int64[1] i = {{0}}, int64[1] j = {{1}}", "Tile"),
    ],
)  # fmt: skip
def test_a_claim_stays_unfolded(body: str, constants: str, left: str) -> None:
    assert left in rewritten(body, constants)


@pytest.mark.parametrize("size", [2**20, 2**27])
def test_a_reduction_of_a_claim_is_computed_if_it_is_small(size: int) -> None:
    constants = SIZE.replace(str(HUGE), str(size))
    kinds = rewritten("a = ConstantOfShape(n) s = ReduceMax(a) y = Mul(s, x)", constants)
    assert ("ReduceMax" in kinds) == (size > 2**26)


def test_claims_add_up() -> None:
    body = " ".join(f"a{i} = Expand(one, n) b{i} = Add(x, a{i})" for i in range(20))
    total = ", ".join(f"b{i}" for i in range(20))
    text = f"""<ir_version: 10, opset_import: ["": 21]> g (float[1] x) => (float[n] y)
        <int64[1] n = {{{2**26}}}, float[1] one = {{1.0}}> {{ {body} y = Sum({total}) }}"""
    model = ir.from_onnx_text(text)
    run_pipeline(model)
    held = [value.const_value for value in model.graph.initializers.values()]
    assert sum(tensor.nbytes for tensor in held if tensor is not None) <= CLAIMED_BYTES + 4


@pytest.mark.parametrize(
    "body",
    [
        "a = Reshape(x, s) b = Einsum<equation = 'ii->i'>(a) y = Relu(b)".replace("'", '"'),
        "a, m = Dropout(x) b = Cast<to = 1>(m) y = Add(a, b)",
        'a = Reshape(x, s) y = Pad<mode = "wrap">(a, p)',
        'a = ScatterElements<reduction = "mul">(x, i, x) y = Relu(a)',
    ],
)
def test_a_pass_writes_no_constant_that_a_shape_claims(body: str) -> None:
    constants = f"int64[2] s = {{{2**31}, {2**31}}}, int64[4] p = {{1, 1, 1, 1}}"
    inputs = f"float[{2**62}] x, int64[{2**62}] i"
    with pytest.raises(ModelError, match=r"needs a constant of .* elements, more than"):
        rewritten(body, constants, inputs)


def test_vectors_that_double_are_not_followed() -> None:
    joins = " ".join(f"a{i + 1} = Concat<axis = 0>(a{i}, a{i})" for i in range(40))
    assert "Concat" in rewritten(f"a0 = Relu(x) {joins} y = Identity(a40)", "int64 k = {0}")


def test_a_long_constant_is_no_list_of_sizes() -> None:
    value = ir.Value(name="v", const_value=Splat(np.ones((), np.int64), [HUGE]))
    graph = ir.Graph([], [], nodes=[], initializers=[value])
    assert integers(graph.initializers["v"]) is None


def test_a_division_that_ends_the_process_stays() -> None:
    """The kernel of onnxruntime 1.31 dies of the least integer divided by -1."""
    many = 2**17
    constants = f"int64[1] n = {{{many}}}, int64[1] least = {{{-(2**63)}}}, int64[1] one = {{-1}}"
    body = "a = Expand(least, n) b = Expand(one, n) c = Div(a, b) y = Cast<to = 1>(c)"
    assert "Div" in rewritten(body, constants)


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ("y, z = Split<axis = 7, num_outputs = 2>(x)", "Split '' works along axis 7 of a ten"),
        ('y = ScatterND<reduction = "">(x, i, x)', "knows no reduction ''"),
        ('y = Einsum<equation = "i,i->i">(x)', "has 1 operands, its equation 2"),
        ("a = Slice(x, k, k2) y = Relu(a)", "starts, ends, axes and steps of different number"),
    ],
)
def test_an_axis_or_a_word_that_is_not_there_is_told(body: str, match: str) -> None:
    constants = "int64[1] k = {0}, int64[2] k2 = {1, 1}, int64[1,1] i = {0}"
    with pytest.raises(Onnx2msError, match=match):
        rewritten(body, constants)
