"""The training script that `onnx2ms scaffold` writes runs as it stands, on one machine and many."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import onnx2ms

from .training_networks import CNN, TRANSFORMER, network

MSRUN = (sys.executable, "-m", "mindspore.parallel.cluster.run")

WORKER = """
import os, pathlib, sys, time

role, rank = os.environ.get("MS_ROLE", "alone"), os.environ.get("RANK_ID", "0")
pathlib.Path(f"pid_{role}_{rank}").write_text(str(os.getpid()))

import numpy as np
import train

stop, make = int(os.environ.get("STOP_AFTER", "-1")), train.function_step


def function_step(*args):
    step, taken = make(*args), 0

    def wrapped(*batch):
        nonlocal taken
        if taken == stop:
            time.sleep(600)
        taken += 1
        return step(*batch)

    return wrapped


train.function_step = function_step
net = train.main(sys.argv[1:])
np.savez(f"weights_{rank}.npz", **{n: p.asnumpy() for n, p in net.parameters_dict().items()})
"""
"""Runs train.py, keeps what it trained, and stands still in the middle if it is told to."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the folders of both networks, train.py in them."""
    made: dict[str, Path] = {}
    for name, text in (("cnn", CNN), ("transformer", TRANSFORMER)):
        made[name] = tmp_path_factory.mktemp("train") / name
        onnx2ms.convert(network(text), made[name], verify="pynative")
        onnx2ms.scaffold(made[name])
        (made[name] / "worker.py").write_text(WORKER)
    return made


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "GLOG_v": "3", "OMP_NUM_THREADS": "1", **more}


def losses(text: str) -> list[tuple[int, float]]:
    return [
        (int(s), float(x)) for s, x in re.findall(r"^epoch \d+ step (\d+) loss (.+)$", text, re.M)
    ]


def run(
    folder: Path, here: Path, *options: str, script: str = "worker.py"
) -> list[tuple[int, float]]:
    """Run a script in one process and return its losses by step."""
    here.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(folder / script), *options],
        cwd=here,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return losses(done.stdout)


def launch(folder: Path, here: Path, *options: str, **more: str) -> subprocess.Popen[bytes]:
    """Start two workers by MindSpore's launcher, at a port that nobody else has."""
    here.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ("--worker_num=2", "--local_worker_num=2", f"--master_port={port}", "--join=True")
    return subprocess.Popen(
        [*MSRUN, *words, "--log_dir=logs", str(folder / "worker.py"), *options],
        cwd=here,
        env=environment(
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **more
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def pids(here: Path) -> Iterator[int]:
    """Yield the processes that the launcher started: the workers are in sessions of their own."""
    yield from (int(file.read_text()) for file in here.glob("pid_*"))


def kill(launched: subprocess.Popen[bytes], here: Path) -> None:
    for pid in (*pids(here), launched.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    launched.wait(60)


def together(folder: Path, here: Path, *options: str) -> list[tuple[int, float]]:
    """Train by two workers to the end and return the losses by step."""
    launched = launch(folder, here, *options)
    try:
        status = launched.wait(600)
    finally:
        kill(launched, here)
    log = (here / "logs" / "worker_0.log").read_text(errors="replace")
    assert status == 0, log
    return losses(log)


def trained(here: Path, rank: int = 0) -> dict[str, np.ndarray]:
    with np.load(here / f"weights_{rank}.npz") as stored:
        return dict(stored)


def apart(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


@pytest.mark.parametrize("name", ["cnn", "transformer"])
def test_it_runs_as_written_and_learns(name, folders, tmp_path):
    options = ("--batch=32", "--rate=0.05")
    found = run(folders[name], tmp_path, *options, script="train.py")
    assert [step for step, _ in found] == [1, 2, 3, 4]
    assert np.isfinite(found).all()
    assert found[-1][1] < found[0][1]
    assert (tmp_path / "checkpoints" / "step_00000004").is_dir()

    cell = run(folders[name], tmp_path, *options, "--step=cell", "--mode=graph")
    np.testing.assert_allclose(cell, found, rtol=1e-5)


def test_in_float16_it_takes_nearly_the_same_way(folders, tmp_path):
    options = ("--batch=32", "--deterministic")
    exact = run(folders["transformer"], tmp_path, *options)
    mixed = run(folders["transformer"], tmp_path, *options, "--amp=O2")
    assert mixed != exact
    np.testing.assert_allclose(mixed, exact, rtol=1e-2)


def test_a_run_goes_on_as_if_it_had_not_been_stopped(folders, tmp_path):
    """BatchNorm's statistics, Dropout's elements, momentum, rate and order of samples included."""
    options = ("--batch=16", "--epochs=2", "--save-every=3")
    whole = run(folders["cnn"], tmp_path / "whole", *options)
    assert len(whole) == 8
    stopped = tmp_path / "stopped"
    run(folders["cnn"], stopped, *options)
    (stopped / "checkpoints" / "step_00000008").rename(stopped / "last")
    assert run(folders["cnn"], stopped, *options, "--resume") == whole[6:]
    assert apart(trained(tmp_path / "whole"), trained(stopped)) == 0


def test_workers_are_equal_to_one_and_go_on_when_killed(folders, tmp_path):
    folder, options = folders["transformer"], ("--epochs=2", "--rate=0.01", "--save-every=2")
    one, both, killed = (tmp_path / name for name in ("one", "both", "killed"))
    expected = run(folder, one, "--batch=16", *options)
    assert len(expected) == 8

    found = together(folder, both, "--batch=8", *options)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert apart(trained(both, 0), trained(both, 1)) == 0
    assert apart(trained(both), trained(one)) < 1e-5

    launched = launch(folder, killed, "--batch=8", *options, STOP_AFTER="5")
    try:
        log, end = killed / "logs" / "worker_0.log", time.monotonic() + 600
        while not (log.exists() and losses(log.read_text(errors="replace"))[4:]):
            assert launched.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < end
            time.sleep(0.1)
    finally:
        kill(launched, killed)
    assert sorted(p.name for p in (killed / "checkpoints").iterdir()) == [
        "step_00000002",
        "step_00000004",
    ]
    assert together(folder, killed, "--batch=8", *options, "--resume") == found[4:]
    assert apart(trained(killed), trained(both)) == 0
