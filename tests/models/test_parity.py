"""Whole networks learn in MindSpore as in PyTorch: a sample of benchmarks/parity.py."""

import sys
from pathlib import Path

import pytest

import onnx2ms
from onnx2ms.compiler.torch_export.factory import load_factory


@pytest.mark.parametrize("name", ["gpt", "window"])
def test_a_network_learns_as_its_module_does(name, tmp_path, monkeypatch):
    """An embedding that is the last layer too, a table of positions; windows, every other row."""
    pytest.importorskip("torch", reason="the reference is PyTorch")
    monkeypatch.chdir(Path(__file__).parent)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the factory's folder is put before it
    factory = f"torch_networks:{name}"
    made = load_factory(factory)
    onnx2ms.from_torch(
        made.module, made.example_inputs, tmp_path / name, exporter="dynamo", verify="none"
    )
    found = onnx2ms.verify(tmp_path / name, factory, gradients=True, steps=4, verify="pynative")
    (result,) = found.training
    assert result.passed
    derived = [check for check in result.checks if check.what == "gradient"]
    assert len(derived) >= 2 * len(list(made.module.parameters()))
