"""The samples run, and what they write is proved."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the samples are networks of PyTorch")

SAMPLES = Path(__file__).parents[2] / "samples"
FILES = [
    SAMPLES / name
    for name in (
        "bert/bert.py",
        "pipeline/train_and_export.py",
        "resnet50/resnet50.py",
        "vit/vit.py",
    )
]
"""The others have tests of their own."""


def sample(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"sample_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_sample_is_proved_and_short(file: Path, tmp_path: Path):
    assert len(file.read_text().splitlines()) < 60
    conversion = sample(file).main(tmp_path / "out", verify="pynative")
    assert conversion.verified
    assert conversion.report["network"]["notes"] == []
    if file.parent.name == "pipeline":
        first, later = (
            (tmp_path / "out" / name).read_bytes() for name in ("model.ckpt", "later.ckpt")
        )
        assert len(first) == len(later)
        assert first != later


def test_every_sample_is_listed():
    text = (SAMPLES / "README.md").read_text()
    assert all(f"({folder.name}/" in text for folder in SAMPLES.iterdir() if folder.is_dir())
