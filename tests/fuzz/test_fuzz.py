"""A few random graphs, always the same, and those that were wrong once; `make fuzz` runs 2000."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hypothesis", reason="hypothesis builds the graphs")
HERE = Path(__file__).parent
FAILURES = sorted((HERE / "failures").glob("*.txt"))


def run(*words: str, out: Path) -> str:
    command = [sys.executable, str(HERE / "run.py"), "--out", str(out), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_sample(tmp_path):
    told = run("--count", "20", "--graph-every", "10", out=tmp_path)
    assert told.splitlines()[-1].startswith("20 graphs, ")
    assert len((tmp_path / "0.jsonl").read_text().splitlines()) == 20


def test_past_failures(tmp_path):
    told = run(*map(str, FAILURES), out=tmp_path)
    assert told.splitlines()[-1].endswith(f"{len(FAILURES)} pass")


def test_every_operator_of_the_table_is_drawn(monkeypatch):
    """An operator that is new needs a recipe, or a reason not to be drawn."""
    monkeypatch.syspath_prepend(HERE)
    from graphs import SCHEMAS, UNDRAWN
    from run import draw

    drawn = {node.op_type for seed in range(150) for node in draw(seed).graph.node}
    assert drawn == SCHEMAS.keys()
    assert not drawn & UNDRAWN.keys()
