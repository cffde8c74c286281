"""A few random graphs, always the same, and those that were wrong once; `make fuzz` runs 2000."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hypothesis", reason="hypothesis builds the graphs")
HERE = Path(__file__).parent
FAILURES = sorted((HERE / "failures").glob("*.onnx"))


def run(*words: str, out: Path) -> None:
    command = [sys.executable, str(HERE / "run.py"), "--out", str(out), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_sample(tmp_path):
    run("--count", "20", "--graph-every", "10", out=tmp_path)
    assert len((tmp_path / "0.jsonl").read_text().splitlines()) == 20


@pytest.mark.skipif(not FAILURES, reason="no graph was ever wrong")
def test_past_failures(tmp_path):
    run(*map(str, FAILURES), out=tmp_path)
