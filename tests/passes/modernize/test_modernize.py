"""What no case shows: errors, and the models of old operator sets in the onnx package."""

from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
import onnx_ir as ir
import onnxruntime as ort
import pytest
from onnx import numpy_helper
from onnx_ir.passes.common import RemoveInitializersFromInputsPass

from onnx2ms.compiler.ir.dialect import OPSET
from onnx2ms.compiler.ir.errors import ModelError
from onnx2ms.passes.check import relative_error
from onnx2ms.passes.modernize.modernize_operators import modernize_operators
from onnx2ms.passes.pipeline import run_pipeline

DATA = Path(onnx.backend.test.__file__).parent / "data"
OLD = sorted(file.parent for file in DATA.glob("pytorch-*/*/model.onnx"))
"""Operators as PyTorch 0.3 to 1.0 exported them, in the sets 6 to 9, with inputs and outputs."""


@pytest.mark.parametrize("folder", OLD, ids=lambda folder: folder.name)
def test_old_model(folder):
    proto = onnx.load(folder / "model.onnx")
    inputs, outputs = arrays(folder, "input"), arrays(folder, "output")
    model = ir.from_proto(proto)
    RemoveInitializersFromInputsPass()(model)
    names = [value.name for value in model.graph.inputs]

    run_pipeline(model)

    result = ir.to_proto(model)
    onnx.checker.check_model(result, full_check=True)
    session = ort.InferenceSession(result.SerializeToString(), providers=["CPUExecutionProvider"])
    results = session.run(None, dict(zip(names, inputs, strict=True)))
    for value, want in zip(results, outputs, strict=True):
        assert (
            relative_error(np.asarray(value), want) < 1e-4
        )  # as far as these old outputs are exact


def arrays(folder, kind):
    files = folder.glob(f"test_data_set_0/{kind}_*.pb")
    ordered = sorted(files, key=lambda file: int(file.stem.rpartition("_")[2]))
    return [numpy_helper.to_array(onnx.load_tensor(file)) for file in ordered]


def test_newer_than_known():
    model = ir.from_onnx_text(
        '<ir_version: 13, opset_import: ["": 99]> g (float[1] x) => (float[1] y) { y = Neg(x) }'
    )
    with pytest.raises(ModelError, match="operator set 99; 28 is the newest") as error:
        modernize_operators(model.graph)
    assert "export it again" in error.value.help


def test_rank_that_is_not_known():
    model = ir.from_onnx_text(
        """<ir_version: 3, opset_import: ["": 6, "com.acme": 1]>
        g (float[2,3] x, float[2] u) => (float[2,3] y)
        {
            h = com.acme.Swoosh(x)
            y = Add <broadcast = 1, axis = 0> (h, u)
        }"""
    )
    with pytest.raises(ModelError, match="the rank of its input 0 is not known"):
        modernize_operators(model.graph)


def test_saved_statistics_are_read():
    model = ir.from_onnx_text(
        """<ir_version: 3, opset_import: ["": 9]>
        g (float[2,2] x, float[2] s) => (float[2,2] y, float[2] t)
        {
            y, m, v, t, u = BatchNormalization(x, s, s, s, s)
        }"""
    )
    with pytest.raises(ModelError, match="saved mean or variance"):
        modernize_operators(model.graph)


def test_operator_that_the_dialect_lacks():
    """It stays as it is, for the emitter to tell of."""
    model = ir.from_onnx_text(
        """<ir_version: 13, opset_import: ["": 28]>
        g (float[2] x, int64 axis) => (float[2] y) { y = CumProd(x, axis) }"""
    )
    modernize_operators(model.graph)
    assert [node.op_type for node in model.graph] == ["CumProd"]
    assert model.opset_imports == {"": OPSET}


def test_resize_10_rounds_as_onnxruntime():
    """The specification leaves it open; down and up by factors that are not whole."""
    for factor in (0.4, 0.6, 0.75, 1.3, 1.5, 2.7):
        text = f"""<ir_version: 5, opset_import: ["": 10]>
            g (float[1,1,9,9] x) => (float[a,b,c,d] y)
            <float[4] s = {{1.0, 1.0, {factor}, {factor}}}>
            {{ y = Resize <mode = "nearest"> (x, s) }}"""
        model = ir.from_onnx_text(text)
        x = np.arange(81, dtype=np.float32).reshape(1, 1, 9, 9)
        before = run(model, x)
        modernize_operators(model.graph)
        model.ir_version = 10
        np.testing.assert_array_equal(before, run(model, x), err_msg=f"factor {factor}")


def run(model, x):
    session = ort.InferenceSession(
        ir.to_proto(model).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"x": x})[0])
