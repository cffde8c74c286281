"""Killed, out of space, without rights, two at once: a folder is whole, or the old one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WRITING = Path(__file__).with_name("writing.py")


def run(case: str, folder: Path, **environment: str) -> str:
    command = [sys.executable, str(WRITING), case, str(folder)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("case", ["killed", "full", "read_only", "at_once"])
def test_the_folder_is_whole(case: str, tmp_path: Path):
    run(case, tmp_path)


def test_the_same_bytes_whatever_the_process_its_hashes_and_its_folder(tmp_path: Path):
    told: list[str] = []
    for seed in ("0", "1", "random"):
        folder = tmp_path / f"folder {seed}"
        folder.mkdir()
        told.append(run("sums", folder, PYTHONHASHSEED=seed))
    assert len(told[0].splitlines()) > 15
    assert told[0] == told[1] == told[2]
