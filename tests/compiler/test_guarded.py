"""A process that ends without a word has one that says so."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CODE = """
import os, signal, sys, time
from onnx2ms.compiler.guarded import run_guarded

def work():
    try:
        {work}
    except KeyboardInterrupt:
        return 130

sys.exit(run_guarded(work))
"""


def start(work: str) -> subprocess.Popen[str]:
    code = CODE.format(work=work)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("status", [0, 3])
def test_the_status_is_that_of_the_work(status: int) -> None:
    run = start(f"print('done'); return {status}")
    assert run.communicate() == ("done\n", "")
    assert run.returncode == status


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGKILL])
def test_a_death_is_told(number: signal.Signals) -> None:
    run = start(f"os.kill(os.getpid(), {number.value})")
    out, err = run.communicate()
    assert run.returncode == 1
    assert out == ""
    assert f"onnx2ms was ended by {number.name}" in err
    assert "help: the model may be damaged" in err


WAITING = "print(os.getpid(), flush=True); time.sleep(60); return 0"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 1)])
def test_a_signal_reaches_the_work(number: signal.Signals, status: int) -> None:
    with start(WAITING) as run:
        assert run.stdout
        run.stdout.readline()
        run.send_signal(number)
    assert run.returncode == status


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is of Linux")
def test_the_work_ends_with_the_process_that_waits() -> None:
    with start(WAITING) as run:
        assert run.stdout
        child = int(run.stdout.readline())
        run.kill()
    for _ in range(200):
        if not is_running(child):
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the work goes on without anybody to tell of it")


def is_running(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
