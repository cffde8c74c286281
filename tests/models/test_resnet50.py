"""ResNet-50 by both of PyTorch's exporters: the source as reviewed, and proved in both modes."""

import ast
from pathlib import Path
from typing import Any

import pytest

import onnx2ms

GOLDEN = Path(__file__).parents[1] / "golden"
EXPORTS = {"dynamo": 110, "dynamo_bn": 110, "legacy": 130, "legacy_bn": 130}
"""At most so many lines."""


@pytest.mark.parametrize("exporter", EXPORTS)
def test_source_is_the_one_reviewed(exporter: str, restore, request: pytest.FixtureRequest):
    model = restore(f"{exporter}/resnet50")
    source = onnx2ms.convert(model, verify="none").source
    golden = GOLDEN / f"{exporter}_resnet50.py"
    if request.config.getoption("--update-golden"):
        golden.write_text(source)
    assert source == golden.read_text()
    assert len(source.splitlines()) <= EXPORTS[exporter]


@pytest.mark.parametrize("exporter", EXPORTS)
def test_no_class_repeats_another(exporter: str):
    source = (GOLDEN / f"{exporter}_resnet50.py").read_text()
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert len(classes) == 2
    assert classes[0].name == "Bottleneck"
    if exporter.startswith("dynamo"):
        assert classes[1].name == "ResNet"


@pytest.mark.parametrize("exporter", EXPORTS)
def test_computes_the_same_in_both_modes(exporter: str, restore, tmp_path: Path):
    conversion = onnx2ms.convert(restore(f"{exporter}/resnet50"), tmp_path / "out")
    assert conversion.report["verified"] is True
    verification: Any = conversion.report["verification"]
    modes = verification["modes"]
    assert list(modes) == ["pynative", "graph"]
    for mode in modes.values():
        (output,) = mode["outputs"]
        assert output["shape"] == [1, 1000]
        assert output["error"] <= 1e-5


def test_exporters_give_the_same_block(restore):
    """Both exporters' files of one network become the same Bottleneck."""
    blocks = []
    for exporter in ("dynamo_bn", "legacy_bn"):
        module = ast.parse((GOLDEN / f"{exporter}_resnet50.py").read_text())
        blocks.append(ast.dump(next(n for n in module.body if isinstance(n, ast.ClassDef))))
    assert blocks[0] == blocks[1]
