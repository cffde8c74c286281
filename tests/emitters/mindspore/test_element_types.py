"""Element types that MindSpore lacks are refused by one message, as domains are."""

import mindspore
import ml_dtypes
import numpy as np
import onnx.parser
import pytest
from onnx import numpy_helper

import onnx2ms


def parsed(opsets: str, text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(f"<ir_version: 10, opset_import: [{opsets}]> {text}")


@pytest.mark.parametrize("kind", ["int4", "uint4", "float8e4m3fn", "float4e2m1"])
def test_inputs_of_narrow_types(kind):
    model = parsed('"": 24', f"g ({kind}[2] x) => (float[2] y) {{ y = Cast <to = 1> (x) }}")
    with pytest.raises(onnx2ms.Onnx2msError, match=f"no element type {kind}"):
        onnx2ms.convert(model, verify="none")


def test_results_of_narrow_types():
    model = parsed('"": 24', "g (float[2] x) => (int4[2] y) { y = Cast <to = 22> (x) }")
    with pytest.raises(onnx2ms.Onnx2msError, match="no element type int4"):
        onnx2ms.convert(model, verify="none")


def test_a_model_of_another_domain_alone_needs_no_version_of_onnx():
    model = parsed(
        '"ai.onnx.ml": 5', "g (float[2,3] x) => (float[2,3] y) { y = ai.onnx.ml.Scaler(x) }"
    )
    with pytest.raises(onnx2ms.Onnx2msError, match=r"ai\.onnx\.ml\.Scaler"):
        onnx2ms.convert(model, verify="none")


def test_strings():
    model = parsed('"": 24', "g (string[2] x) => (string[2] y) { y = Identity(x) }")
    with pytest.raises(onnx2ms.Onnx2msError, match="tensors of numbers or bools, not 'x'"):
        onnx2ms.convert(model, verify="none")


def test_a_weight_of_int4_is_dequantized_at_conversion():
    model = parsed(
        '"": 24',
        "g (float[1,2] x) => (float[1,2] y) <int4[2,2] w = {1, -8, 7, 0}, float s = {0.5}> "
        "{ d = DequantizeLinear(w, s) y = MatMul(x, d) }",
    )
    conversion = onnx2ms.convert(model, verify="none")
    assert "int4" not in conversion.source
    assert "DequantizeLinear" not in conversion.report["operators"]["after"]


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2"])
def test_a_weight_of_float8_is_dequantized_at_conversion(kind, tmp_path):
    model = parsed(
        '"": 24',
        "g (float[1,3] x) => (float[1,2] y) <float s = {0.5}> "
        "{ d = DequantizeLinear(w, s) y = MatMul(x, d) }",
    )
    weight = np.array([[1, -8], [0.75, 0], [1.1, 3]]).astype(getattr(ml_dtypes, kind))
    model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    conversion = onnx2ms.convert(model, tmp_path / "net", verify="none")
    assert "float8" not in conversion.source
    stored = mindspore.load_checkpoint(str(next((tmp_path / "net").glob("*.ckpt"))))
    (found,) = stored.values()
    right = weight.astype(np.float32) / 2
    assert any(np.array_equal(found.asnumpy(), array) for array in (right, right.T))
