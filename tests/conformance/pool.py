"""Worker processes, each for many cases; a crash or a time-out costs one case in one mode."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from misses import MODES

CHUNK = 120
"""So many cases a process: MindSpore keeps what it compiled."""

START = 120.0
"""Seconds until a process must be ready, on a machine that is busy."""

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "GLOG_v": "4",
    # with AVX-512, oneDNN in MindSpore 2.10 takes its reference convolution, forty times as slow
    "ONEDNN_MAX_CPU_ISA": "SSE41",
}
"""What workers are given, unless the user has set it."""

Told = dict[str, object]
Report = Callable[[Told], None]


class Worker:
    """A worker process.

    Args:
        folder: Where the cases are.
        form: In which form it tries them.
    """

    def __init__(self, folder: Path, form: str) -> None:
        self._scratch = tempfile.TemporaryDirectory()  # MindSpore leaves files where it runs
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), str(folder), form],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=self._scratch.name,
            env={**ENVIRONMENT, **os.environ},
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.is_ready = self.next(START) is not None

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def send(self, case: str) -> None:
        """Give it a case."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{case}\n")
        self._process.stdin.flush()

    def next(self, seconds: float) -> Told | None:
        """Return what it tells next; None if it is dead, or killed now for taking too long."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            self._process.kill()
            return None
        return None if line is None else json.loads(line)

    def end(self) -> int:
        """End it and return its exit status."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            status = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._scratch.cleanup()
        return status


def run_cases(
    ids: Sequence[str], folder: Path, form: str, *, jobs: int, timeout: float, report: Report
) -> None:
    """Try cases in one form, in as many processes as jobs.

    Args:
        ids: The cases.
        folder: Where they are.
        form: Their form.
        jobs: Number of processes.
        timeout: Seconds for the conversion, and for each mode.
        report: Called with what became of each case in each mode, by one thread at a time.
    """
    waiting: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    for start in range(0, len(ids), CHUNK):
        waiting.put(list(ids[start : start + CHUNK]))
    lock = threading.Lock()

    def told(what: Told) -> None:
        with lock:
            report(what)

    def work() -> None:
        while True:
            try:
                chunk = waiting.get_nowait()
            except queue.Empty:
                return
            while chunk:
                chunk = run_chunk(chunk, folder, form, timeout, told)

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run_chunk(
    chunk: list[str], folder: Path, form: str, timeout: float, report: Report
) -> list[str]:
    """Try cases in one process; return those that it left when it died."""
    worker = Worker(folder, form)
    if not worker.is_ready:
        raise RuntimeError("a worker of the conformance suite does not start: run worker.py alone")
    for i, case in enumerate(chunk):
        left: list[str] = list(MODES)
        try:
            worker.send(case)
            while (told := worker.next(timeout)) is not None and "done" not in told:
                left.remove(str(told["mode"]))
                report(told)
        except BrokenPipeError:
            told = None
        if told is None:
            reason = f"the process ended with status {worker.end()}"
            for mode in left:
                report(
                    {
                        "id": case,
                        "mode": mode,
                        "status": "fail",
                        "stage": "crash",
                        "error": "",
                        "reason": reason,
                    }
                )
            return chunk[i + 1 :]
    worker.end()
    return []
