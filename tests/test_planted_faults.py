"""Faults that a compiler might make are caught, and located: a sample of benchmarks/faults.py."""

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import onnx2ms

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def faults():
    """Return the command that plants faults; its files import each other by their names."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import faults  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.remove(str(BENCHMARKS))
    return faults


@pytest.fixture(scope="module")
def network(faults, restore, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unet") / "unet"
    model = restore("legacy/pl_unet_up")
    onnx2ms.convert(model, folder, weights="safetensors", verify="none")
    return faults.Network("unet", "legacy", model, folder)


@pytest.mark.parametrize("kind", ["swapped operands", "wrong pad", "one element"])
def test_a_fault(faults, network, tmp_path, kind):
    weights = load_file(network.folder / "model.safetensors")
    source = (network.folder / "model.py").read_text()
    kinds = faults.in_source(source, weights)
    of_weights = faults.in_weights(weights, np.random.default_rng(0))
    fault = kinds[kind][0] if kind in kinds else next(of_weights)
    assert fault.kind == kind
    found = faults.run(network, fault, tmp_path / "faulty", "pynative")
    assert found.caught, fault.text
    assert found.located or not fault.source, found.said


def test_every_fault_is_another_program(faults, network):
    source = (network.folder / "model.py").read_text()
    kinds = faults.in_source(source, load_file(network.folder / "model.safetensors"))
    planted = [fault for group in kinds.values() for fault in group]
    assert len(kinds) >= 5
    for fault in planted:
        compile(fault.source, "model.py", "exec")
        assert fault.source != source
