"""Every report fits docs/report.schema.json, and docs/report.md names every field of it."""

import json
import math

import pytest

from onnx2ms import NotProvenError, convert
from onnx2ms.compiler import driver
from onnx2ms.compiler.verify.diverge import Divergence
from onnx2ms.compiler.verify.outputs import OutputResult
from onnx2ms.compiler.verify.verify import ModeResult, Verification


@pytest.fixture
def schema(schemas):
    return schemas("report")


def refuse(constant):
    raise ValueError(f"{constant} is not JSON")


def load(folder):
    return json.loads((folder / "report.json").read_text(), parse_constant=refuse)


def test_a_conversion_that_nobody_asked_to_prove(model, tmp_path, schema):
    convert(model, tmp_path / "out", verify="none", check_passes=True)
    report = load(tmp_path / "out")
    assert list(schema.misfits(report)) == []
    assert report["verified"] is None
    assert report["inputs"] == [
        {"name": "x", "dtype": "float32", "shape": [1, 3, 8, 8], "values": None, "example": None}
    ]
    assert report["operators"] == {
        "before": {"Conv": 1, "Relu": 1},
        "after": {"Conv": 1, "Relu": 1},
    }
    assert report["weights"]["elements"] == 64 * 3 * 3 * 3 + 64
    assert report["weights"]["bytes"] == 4 * report["weights"]["elements"]
    assert report["source"]["lines"] == len(
        (tmp_path / "out" / "model.py").read_text().splitlines()
    )
    assert report["source_map"].keys() == {"conv_out", "y"}


def test_a_failed_proof_with_all_its_fields(model, tmp_path, monkeypatch, schema):
    output = OutputResult("y", "float32", (1,), math.inf, math.inf, 1e-5, 1e-6, "shape", False)
    divergence = Divergence(
        "conv", "conv_out", "Conv", "features.0", math.nan, "NaN", 20, "x = …", "graph", ("relu",)
    )
    mode = ModeResult("graph", (output,), "", divergence, "", {"import": 2.5}, 10**9)
    found = Verification("onnxruntime 1.31.1", "", (mode,))
    monkeypatch.setattr(driver, "verify_folder", lambda *words, **options: found)
    with pytest.raises(NotProvenError):
        convert(model, tmp_path / "out")
    report = load(tmp_path / "out")
    assert list(schema.misfits(report)) == []
    (written,) = report["verification"]["modes"]["graph"]["outputs"]
    assert written["error"] is None
    assert report["measured"]["verification"]["graph"]["peak_memory"] == 10**9


def test_the_validator_finds_what_does_not_fit(model, schema):
    report = convert(model, verify="none").report
    broken = {**report, "schema": 2, "verified": "yes", "extra": 1}
    del broken["model"]
    assert len(list(schema.misfits(broken))) == 4


def test_every_field_is_described(schema):
    assert schema.fields() <= schema.described()
