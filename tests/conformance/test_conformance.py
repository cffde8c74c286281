"""A fixed tenth of the official ONNX suite, and every known miss, in all forms and both modes.

`make conformance` runs the whole suite. Each form runs once, in a process of its own.
"""

import fcntl
import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
sys.path.insert(0, str(RUN.parent))  # the harness is a program, no package

from forms import FORMS  # noqa: E402
from misses import MODES, known_misses  # noqa: E402


class Results:
    """What became of the cases; each form is run when first asked for, by one of the workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, form: str) -> dict:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self._folder / f"{form}.told.json").exists():
                command = [sys.executable, str(RUN), "--tenth", "--misses", "--forms", form]
                done = subprocess.run(
                    [*command, "--jobs", "1", "--out", str(self._folder)],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                told = {"output": done.stdout + done.stderr, "status": done.returncode}
                (self._folder / f"{form}.told.json").write_text(json.dumps(told))
        return json.loads((self._folder / f"{form}.told.json").read_text())

    def of(self, form: str, mode: str, case: str) -> dict:
        self(form)
        return json.loads((self._folder / f"{form}.json").read_text())[mode][case]


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "popen-" in base.name else base) / "conformance"
    folder.mkdir(exist_ok=True)
    return Results(folder)


@pytest.mark.parametrize("form", FORMS)
def test_tenth(form, results):
    told = results(form)
    assert told["status"] == 0, told["output"]


@pytest.mark.parametrize(
    "miss",
    [
        pytest.param(
            miss,
            id=f"{miss.form}-{miss.mode}-{miss.case}",
            marks=pytest.mark.xfail(reason=miss.cause, strict=True),
        )
        for miss in known_misses()
    ],
)
def test_known_miss(miss, results):
    told = results.of(miss.form, miss.mode, miss.case)
    assert told["status"] == "pass", told["reason"]


def test_modes_are_those_of_the_workers():
    assert MODES == ("pynative", "graph")
