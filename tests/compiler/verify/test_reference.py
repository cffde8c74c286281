from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import pytest

from onnx2ms.compiler.verify import reference
from onnx2ms.compiler.verify.engines import Source
from onnx2ms.compiler.verify.kernels import KERNELS
from onnx2ms.compiler.verify.reference import intermediates, noise, run_reference, source_of


def source(text):
    proto = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["": 20]>\n{text}')
    return Source(proto, Path("/"))


CHAIN = "g (float[2] x) => (float[2] y) { a = Neg (x) b = Abs (a) y = Neg (b) }"
X = {"x": np.array([1.0, -2.0], np.float32)}


def test_outputs_and_any_other_value_are_run():
    result = run_reference(source(CHAIN), X, ["y", "a"])
    assert result.engine.startswith("onnxruntime 1.")
    assert result.problem == ""
    assert result.outputs["y"].tolist() == [-1.0, -2.0]
    assert result.outputs["a"].tolist() == [-1.0, 2.0]


def test_weights_in_the_file_itself_are_found(tmp_path):
    weight = onnx.numpy_helper.from_array(np.arange(2000, dtype=np.float32), "w")
    proto = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["": 20]> g (float[1] x) => (float[2000] y) <float[1] w>'
        "{ y = Add (x, w) }"
    )
    del proto.graph.initializer[:]
    proto.graph.initializer.append(weight)
    onnx.save(proto, tmp_path / "m.onnx")
    read = source_of(tmp_path / "m.onnx")
    assert read.proto.graph.initializer[0].data_location == onnx.TensorProto.EXTERNAL
    one = {"x": np.ones(1, np.float32)}
    assert run_reference(read, one, ["y"]).outputs["y"][-1] == 2000.0
    own = noise(read, one, {"y": np.arange(1, 2001, dtype=np.float32)})
    assert own["y"] == pytest.approx(2**-24 / 1000, rel=0.01)  # the last bit of the input


def test_what_onnxruntime_lacks_runs_in_onnx_reference():
    read = source("g (bfloat16[2] x) => (bfloat16[2] y) { y = Add (x, x) }")
    result = run_reference(read, {"x": np.array([1.5, 2], ml_dtypes.bfloat16)}, ["y"])
    assert result.engine.startswith("onnx.reference")
    assert "onnxruntime" in result.problem
    assert result.outputs["y"].astype(float).tolist() == [3.0, 4.0]


def test_bfloat16_crosses_onnxruntime():
    read = source(
        "g (bfloat16[2] x) => (bfloat16[2] y, float[2] z) "
        "{ z = Cast <to = 1> (x) y = Cast <to = 16> (z) }"
    )
    x = np.array([1.5, -2], ml_dtypes.bfloat16)
    result = run_reference(read, {"x": x}, ["y", "z"])
    assert result.engine.startswith("onnxruntime")
    assert result.outputs["y"].dtype == ml_dtypes.bfloat16
    assert np.array_equal(result.outputs["y"], x)


def test_both_reasons_are_given_where_no_engine_can():
    read = source("g (float[2] x) => (float[2] y) { y = Swoosh (x) }")
    result = run_reference(read, X, ["y"])
    assert (result.engine, result.outputs) == ("", {})
    assert "onnxruntime" in result.problem
    assert "onnx.reference" in result.problem
    assert "Swoosh" in result.problem


def test_noise_is_measured_against_the_optimised_run():
    read = source(CHAIN)
    exact = run_reference(read, X, ["y"]).outputs
    assert 0 < noise(read, X, exact)["y"] < 2e-7
    off = {"y": np.multiply(exact["y"], np.float32(1.5))}
    assert noise(read, X, off)["y"] == pytest.approx(1 / 3)


def test_noise_tells_what_inexact_kernels_do():
    read = source("g (float[4] x) => (float[4] y) { y = Sigmoid (x) }")
    values = {"x": np.array([-3, -1, 1, 3], np.float32)}
    exact = run_reference(read, values, ["y"]).outputs
    own = noise(read, values, exact)["y"]
    assert 1e-6 < own <= KERNELS["Sigmoid"].relative * 1.01


def test_noise_counts_kernels_inside_of_branches():
    read = source(
        "g (float[4] x, bool c) => (float[4] y) { y = If (c) <"
        "then_branch = t () => (float[4] p) { p = Sigmoid (x) },"
        "else_branch = e () => (float[4] q) { q = Tanh (x) }> }"
    )
    values = {"x": np.array([-3, -1, 1, 3], np.float32), "c": np.array(True)}
    exact = run_reference(read, values, ["y"]).outputs
    assert 1e-6 < noise(read, values, exact)["y"] <= KERNELS["Sigmoid"].relative * 1.01


def test_noise_tells_what_a_last_place_does_to_what_is_rounded():
    read = source(
        "g (float[4] x) => (float[4] y) <float s = {0.5}, uint8 z = {128}>"
        "{ q = QuantizeLinear (x, s, z) y = DequantizeLinear (q, s, z) }"
    )
    halves = {"x": np.array([0.75, 1.25, -1.75, 2.25], np.float32)}  # between two integers, all
    exact = run_reference(read, halves, ["y"]).outputs
    assert noise(read, halves, exact)["y"] == pytest.approx(0.25)
    between = {"x": np.array([0.7, 1.3, -1.8, 2.2], np.float32)}
    exact = run_reference(read, between, ["y"]).outputs
    assert noise(read, between, exact)["y"] == 0


def test_noise_that_cannot_be_measured_forgives_nothing():
    read = source("g (float[2] x) => (float[2] y) { y = Swoosh (x) }")
    assert noise(read, X, {"y": X["x"]}) == {"y": 0.0}


def test_values_between_come_in_chunks(monkeypatch):
    monkeypatch.setattr(reference, "CHUNK", 16)
    runs = []
    run = reference.run_onnxruntime
    monkeypatch.setattr(
        reference, "run_onnxruntime", lambda *a, **k: runs.append(list(a[2])) or run(*a, **k)
    )
    model = ir.from_proto(onnx.shape_inference.infer_shapes(source(CHAIN).proto))
    values = dict(intermediates(model, Path("/"), X, ["a", "b", "y"]))
    assert runs == [["a", "b"], ["y"]]
    assert values["b"].tolist() == [1.0, 2.0]
    assert [value.name for value in model.graph.outputs] == ["y"]
