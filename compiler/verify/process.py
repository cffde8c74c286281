"""Start the child process that runs MindSpore, and make sense of however it ends."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, cast

import ml_dtypes

from ..ir.errors import quoted
from ..ir.graph import Array
from . import child
from .child import Job, Result, Stored, no_result, read_array, store

if TYPE_CHECKING:
    from .training import Training

Mode = Literal["pynative", "graph"]

TIMEOUT = 600.0
"""Seconds after which a child is ended."""

ENVIRONMENT = {
    # Sums in the same order on every machine; and two children share the processors.
    "OMP_NUM_THREADS": "1",
    # For AVX-512 the oneDNN of MindSpore 2.10 has no fast 3x3 convolution: 0.8 s instead of 0.02 s
    # for 64 channels of 56x56. For AVX2 it sums some channels in another order than the rest,
    # which the equal logits of onnx's light_squeezenet, 4.7e9 each, do not survive.
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "GLOG_v": "4",
}
"""What a child's environment is given, unless the user has set it."""


@dataclass(frozen=True)
class Outcome:
    """What a child left behind.

    Attributes:
        result: What it wrote itself, up to where it came.
        failure: Why it did not come to its end, for people; empty where it did.
        line: The line of the module where it failed, 0 if unknown.
        file: Elements of what it computed; it exists until the `Runner` is closed.
    """

    result: Result
    failure: str
    line: int
    file: Path

    def array(self, index: int) -> Array:
        """Read one of the arrays that it stored, those of its outputs first."""
        array = read_array(self.file, self.result["stored"][index])
        known = getattr(ml_dtypes, array.dtype.name, None)  # MindSpore has a bfloat16 of its own
        return array if known is None else array.view(known)


class Runner:
    """Runs one network in child processes, at most one of a mode at a time.

    Args:
        inputs: What the network is called with, in order, for each call.
        timeout: Seconds that a child may take.
    """

    def __init__(self, inputs: Sequence[Sequence[Array]], *, timeout: float = TIMEOUT) -> None:
        """Store the inputs for the children."""
        self._timeout = timeout
        self._folder = tempfile.TemporaryDirectory(prefix="onnx2ms-", ignore_cleanup_errors=True)
        self._root = Path(self._folder.name)
        with (self._root / "inputs").open("wb") as file:
            self._stored = [store(file, call) for call in inputs]
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        """Return the runner itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the children that still run and remove all files."""
        for running in self._children:
            running.end()
        self._folder.cleanup()

    def start(self, model: Path, mode: Mode) -> "Child":
        """Start a child on a module as it was written."""
        return self._start(mode, model, None, self._stored)

    def start_training(self, model: Path, mode: Mode, training: "Training") -> "Child":
        """Start a child that derives and trains a module; its inputs hold the targets too."""
        return self._start(mode, model, None, self._stored, training=training)

    def start_traced(self, source: str, mode: Mode, weights: Path | None, call: int = 0) -> "Child":
        """Start a child on an instrumented source, with the inputs of one call."""
        model = self._root / f"traced_{mode}" / "model.py"
        model.parent.mkdir(exist_ok=True)
        model.write_text(source, encoding="utf-8")
        return self._start(mode, model, weights, [self._stored[call]], traced=True)

    def _start(
        self,
        mode: Mode,
        model: Path,
        weights: Path | None,
        stored: list[list[Stored]],
        *,
        traced: bool = False,
        training: "Training | None" = None,
    ) -> "Child":
        # MindSpore writes rank_0/, kernel_meta/ and more into the working folder.
        folder = Path(tempfile.mkdtemp(prefix=f"{mode}-", dir=self._root))
        job: Job = {
            "mode": mode,
            "model": str(model.absolute()),
            "weights": str(weights.absolute()) if weights else "",
            "traced": traced,
            "inputs": str(self._root / "inputs"),
            "stored": stored,
            "training": training,
            "outputs": str(folder / "outputs"),
            "result": str(folder / "result.json"),
        }
        started = Child(job, folder, self._timeout)
        self._children.append(started)
        return started


class Child:
    """A child process that runs one job.

    Args:
        job: What to run.
        folder: An empty folder to work in.
        timeout: Seconds that it may take.
    """

    def __init__(self, job: Job, folder: Path, timeout: float) -> None:
        """Start the process."""
        self._job, self._folder, self._timeout = job, folder, timeout
        (folder / "job.json").write_text(json.dumps(job))
        self._started = time.monotonic()
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-B", "-P", child.__file__, str(folder / "job.json")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=ENVIRONMENT | dict(os.environ),
                start_new_session=True,
            )

    def wait(self) -> Outcome:
        """Wait until it ends, or end it when its time is over."""
        late = False
        try:
            self._process.wait(max(self._started + self._timeout - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            late = True
            self.end()
        result = self._read()
        failure = result["failure"]
        if result["stage"] == "done":
            text = ""
        elif late:
            text = f"it did not end within {self._timeout:g} seconds ({result['stage'] or 'start'})"
        elif failure is not None:
            text = f"{failure['type']}: {summary(failure['message'])}"
        else:
            text = self._death(result["stage"])
        line = failure["line"] if failure else 0
        return Outcome(result, text, line, Path(self._job["outputs"]))

    def end(self) -> None:
        """End it with all that it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _read(self) -> Result:
        file = Path(self._job["result"])
        if file.exists():
            return cast(Result, json.loads(file.read_text()))
        return no_result()

    def _death(self, stage: str) -> str:
        """Describe the end of a child that did not say why."""
        code, when = self._process.returncode, f"during {stage}" if stage else "at its start"
        if code < 0:
            names = {each.value: each.name for each in signal.Signals}
            hint = " (out of memory?)" if -code == signal.SIGKILL else ""
            return f"MindSpore crashed with {names.get(-code, f'signal {-code}')} {when}{hint}"
        log = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
        last = (log.strip().splitlines() or [""])[-1]
        return f"the process ended with status {code} {when}: {quoted(last, 300)[1:-1]}"


def summary(message: str, limit: int = 300) -> str:
    """Return the first paragraph of an error message on one line, of bounded length."""
    paragraph = message.strip().split("\n\n")[0]
    return quoted(" ".join(paragraph.split()), limit)[1:-1]
