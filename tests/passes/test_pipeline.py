"""The order, the records, and what happens when a pass fails."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx.backend.test
import onnx_ir as ir
import pytest
from onnx_ir.passes.common import RemoveInitializersFromInputsPass

from onnx2ms.compiler.ir.dialect import IR_VERSION, OPSET
from onnx2ms.compiler.ir.errors import PassError
from onnx2ms.compiler.ir.evaluate import EVALUATORS
from onnx2ms.compiler.ir.graph import shape_of
from onnx2ms.passes.base import graph_pass
from onnx2ms.passes.catalogue import catalogue
from onnx2ms.passes.check import PassChecker
from onnx2ms.passes.pipeline import ROUNDS, STAGES, Stage, check_order, run_pipeline

LIGHT = Path(onnx.backend.test.__file__).parent / "data" / "light"
NEG = '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y) { y = Neg(x) }'


@graph_pass()
def first(graph):
    """Do nothing."""
    return 0


@graph_pass(after=("first",))
def second(graph):
    """Do nothing either."""
    return 0


@graph_pass()
def failing(graph):
    """Divide by zero."""
    return 1 // 0


@graph_pass()
def restless(graph):
    """Find something to do in every round."""
    return 1


@graph_pass()
def contrary(graph):
    """Undo it."""
    return 1


def test_the_order_is_kept():
    check_order(STAGES)
    check_order([Stage("a", [first]), Stage("b", [second, first])])


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([Stage("a", [second])], "second is to run after first: no such pass"),
        ([Stage("a", [second, first])], "second must run after first"),
        ([Stage("a", [first, first])], "holds pass first twice"),
        ([Stage("a", [first]), Stage("a", [second])], "two stages a"),
    ],
)
def test_a_wrong_order_is_told(stages, message):
    with pytest.raises(ValueError, match=message):
        check_order(stages)


def test_records_and_hooks():
    model = ir.from_onnx_text(NEG)
    seen, stages = [], []
    records = run_pipeline(
        model,
        on_pass=lambda record, given: seen.append((record, given)),
        on_stage=lambda name, given: stages.append((name, given)),
    )
    assert [record for record, _ in seen] == records
    assert {id(given) for _, given in seen + stages} == {id(model)}
    assert [name for name, _ in stages] == ["modernize", "shapes", "fuse", "lower"]
    assert records[0].name == "modernize_operators"
    assert records[0].changes == 1
    assert all(record.seconds >= 0 for record in records)


def test_a_failure_names_the_pass():
    stages = [Stage("a", [first, failing])]
    with pytest.raises(PassError, match="pass failing failed: ZeroDivisionError") as error:
        run_pipeline(ir.from_onnx_text(NEG), stages=stages)
    assert "passes before it: first" in error.value.message


def test_a_failure_names_the_node(monkeypatch: pytest.MonkeyPatch):
    def fail(node: ir.Node, operands: object):
        raise ZeroDivisionError

    monkeypatch.setitem(EVALUATORS, "Neg", fail)
    monkeypatch.setattr("onnx2ms.compiler.ir.evaluate.UNFIT", ())
    text = """<ir_version: 8, opset_import: ["": 17]>
        g (float[2] x) => (float[2] y) <int64[1] a = {-2}>
        { [far] b = Neg(a) y = Reshape(x, b) }"""
    with pytest.raises(PassError, match="fold_constants failed at Neg 'far': ZeroDivisionError"):
        run_pipeline(ir.from_onnx_text(text))


def test_what_cannot_be_computed_stays():
    text = """<ir_version: 8, opset_import: ["": 17]>
        g (int64[1] x) => (int64[1] y) <int64[2] a = {1, 2}, int64[1] i = {7}>
        { b = Gather(a, i) y = Add(x, b) }"""
    model = ir.from_onnx_text(text)
    run_pipeline(model)
    assert [node.op_type for node in model.graph] == ["Gather", "Add"]


def test_a_stage_that_repeats_ends():
    def runs(*passes):
        stages = [Stage("a", passes, repeat=True)]
        return [record.name for record in run_pipeline(ir.from_onnx_text(NEG), stages=stages)]

    assert runs(first) == ["first"]
    assert runs(first, second) == ["first", "second"]
    assert runs(first, restless) == ["first", "restless", "first"]
    assert Counter(runs(restless, contrary)) == {"restless": ROUNDS, "contrary": ROUNDS}


def test_subgraphs_are_passed_over():
    text = """<ir_version: 8, opset_import: ["": 11]>
        g (float[2] x, bool c) => (float[n] y) {
            y = If (c) <
                then_branch = t () => (float[2] p) {
                    k = Constant <value_float = 2.0> ()
                    i = Identity(k)
                    p = Mul(x, i)
                },
                else_branch = e () => (float[4] q) {
                    s = Softmax <axis = 0> (x)
                    q = Concat <axis = 0> (s, x)
                }
            >
        }""".replace("Constant <value_float = 2.0>", "Constant <value = float {2.0}>")
    model = ir.from_onnx_text(text)
    inputs = {"x": np.ones(2, np.float32), "c": np.asarray(True)}
    checker = PassChecker(model, inputs)
    run_pipeline(model, on_pass=checker)
    assert [node.op_type for node in model.graph.all_nodes()] == ["If", "Mul", "Softmax", "Concat"]
    assert not checker.unchecked


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet", "inception_v1"])
def test_whole_network(name):
    """Initializers are inputs, weights are made by ConstantOfShape: operator sets 3 to 9."""
    model = ir.load(LIGHT / f"light_{name}.onnx")
    RemoveInitializersFromInputsPass()(model)
    (image,) = model.graph.inputs
    array = np.random.default_rng(0).standard_normal(shape_of(image) or ())
    checker = PassChecker(model, {image.name or "": np.asarray(array, np.float32)})

    run_pipeline(model, on_pass=checker)

    assert not checker.unchecked
    assert model.ir_version == IR_VERSION
    assert model.opset_imports == {"": OPSET}
    operators = {node.op_type for node in model.graph}
    assert not operators & {"ConstantOfShape", "Constant", "Shape", "Unsqueeze", "Sum", "Identity"}
    assert all(shape_of(value) for node in model.graph for value in node.outputs)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, onnx2ms.passes.pipeline; print({'onnxruntime', 'networkx'} & {*sys.modules})"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert output.strip() == "set()"


def test_the_catalogue_lists_all():
    rows = catalogue().splitlines()[2:]
    assert len(rows) == sum(len(stage.passes) for stage in STAGES)
    assert rows[0].startswith("| modernize | `modernize_operators` | Write every operator")
