"""To convert, neither torch nor mindspore is imported: each costs more than the conversion."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Models = Callable[[str], Path]


@pytest.fixture(params=["dynamo_bn/resnet50", "squeezenet"])
def model(request: pytest.FixtureRequest, restore: Models, light: Models) -> Path:
    return (restore if "/" in request.param else light)(request.param)


def test_converting_imports_neither_torch_nor_mindspore(model: Path, tmp_path: Path) -> None:
    command = ["-X", "importtime", "-m", "onnx2ms", str(model), "--no-verify", "-o", "out"]
    done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "model.ckpt").exists()
    imported = set(re.findall(r"^import time: .*\|\s*(\w+)[.\w]*$", done.stderr, re.MULTILINE))
    assert {"onnx", "onnx2ms", "numpy"} <= imported
    assert imported.isdisjoint({"torch", "mindspore"})
