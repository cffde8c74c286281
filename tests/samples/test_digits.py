"""A task from end to end: trained in PyTorch, compiled, trained on in MindSpore."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "samples" / "digits"


def test_digits(tmp_path):
    pytest.importorskip("torch", reason="the networks are PyTorch's")
    pytest.importorskip("sklearn", reason="scikit-learn has the pictures")
    done = subprocess.run(
        [sys.executable, FOLDER / "digits.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = [line.replace("%", "").split() for line in done.stdout.splitlines()]
    rows = [line for line in lines if line[:1] in (["Cnn"], ["Transformer"])]
    assert len(rows) == 2
    for _, *accuracies in rows:
        trained, compiled, on_in_torch, on_in_mindspore = map(float, accuracies)
        assert trained > 95
        assert compiled == trained
        assert abs(on_in_mindspore - on_in_torch) <= 0.5
