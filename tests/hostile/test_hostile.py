"""A few spoiled models, always the same; `make hostile` tries 10,000."""

import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).with_name("run.py")


def test_sample(tmp_path):
    command = [sys.executable, str(RUN), "--count", "60", "--seed", "7", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len((tmp_path / "seed7.jsonl").read_text().splitlines()) == 60


def test_a_message_only_shows():
    """What a model calls itself moves no cursor and rings no bell."""
    from onnx2ms.compiler.ir.errors import ModelError

    assert str(ModelError("a\x1b[2J\n\x00b", help="\x07")) == "a\\x1b[2J\n\\x00b\n\nhelp: \\x07"
