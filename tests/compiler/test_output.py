import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from onnx2ms.compiler import output
from onnx2ms.compiler.ir.errors import OutputError, UsageError
from onnx2ms.compiler.output import output_folder, writing


def write(path: Path, text: str, *, force: bool = False) -> None:
    with output_folder(path, force=force) as folder:
        (folder / "model.py").write_text(text)


def content(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_a_new_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "net"
    with output_folder(target) as folder:
        (folder / "model.py").write_text("new")
        assert not target.exists()
    assert content(target) == {"model.py": "new"}
    assert os.listdir(tmp_path) == ["net"]


def test_its_mode_is_that_of_any_new_folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    write(tmp_path / "net", "new")
    assert (tmp_path / "net").stat().st_mode == (tmp_path / "other").stat().st_mode


def fail(path: Path, *, force: bool = False) -> None:
    with output_folder(path, force=force) as folder:
        (folder / "model.py").write_text("new")
        raise ZeroDivisionError


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        fail(tmp_path / "net")
    assert os.listdir(tmp_path) == []


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    write(tmp_path / "net", "new")
    assert content(tmp_path / "net") == {"model.py": "new"}


def test_a_folder_that_holds_something_is_refused_without_force(tmp_path: Path) -> None:
    write(tmp_path / "net", "old")
    with pytest.raises(UsageError, match=r"exists and is not empty\n\nhelp: .*--force"):
        write(tmp_path / "net", "new")
    assert content(tmp_path / "net") == {"model.py": "old"}


def test_force_exchanges_the_whole_folder(tmp_path: Path) -> None:
    write(tmp_path / "net", "old")
    (tmp_path / "net" / "notes.txt").write_text("mine")
    write(tmp_path / "net", "new", force=True)
    assert content(tmp_path / "net") == {"model.py": "new"}
    assert os.listdir(tmp_path) == ["net"]


def test_force_that_fails_keeps_the_old_folder(tmp_path: Path) -> None:
    write(tmp_path / "net", "old")
    with pytest.raises(ZeroDivisionError):
        fail(tmp_path / "net", force=True)
    assert content(tmp_path / "net") == {"model.py": "old"}
    assert os.listdir(tmp_path) == ["net"]


def test_force_without_an_exchange_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())  # NFS and macOS have none
    write(tmp_path / "net", "old")
    write(tmp_path / "net", "new", force=True)
    assert content(tmp_path / "net") == {"model.py": "new"}
    assert os.listdir(tmp_path) == ["net"]


def test_a_folder_that_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exists"), output_folder(tmp_path / "net"):
        write(tmp_path / "net", "other run")
    assert content(tmp_path / "net") == {"model.py": "other run"}
    assert os.listdir(tmp_path) == ["net"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "old").write_text("old")
    (tmp_path / "net").symlink_to("disk")
    write(tmp_path / "net", "new", force=True)
    assert (tmp_path / "net").is_symlink()
    assert content(tmp_path / "disk") == {"model.py": "new"}


@pytest.mark.parametrize("force", [False, True])
def test_a_file_is_refused(tmp_path: Path, force: bool) -> None:
    (tmp_path / "net").write_text("a file")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        write(tmp_path / "net", "new", force=force)
    assert (tmp_path / "net").read_text() == "a file"


def test_places_that_must_not_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here = tmp_path / "home", tmp_path / "a" / "b"
    home.mkdir()
    here.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    for path, what in (
        (".", "current folder"),
        ("..", "current"),
        (home, "home"),
        ("/", "current"),
    ):
        with pytest.raises(UsageError, match=what):
            write(Path(path), "new", force=True)
    model = tmp_path / "models" / "net.onnx"
    with (
        pytest.raises(UsageError, match="the model lies in it"),
        output_folder(tmp_path / "models", force=True, needed={"the model": model}),
    ):
        pass


@pytest.mark.parametrize("path", ["missing/net", "file/net", "n" * 300])
def test_a_place_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match="cannot write .*" + path.replace("/", ".")):
        write(Path(path), "new")
    assert os.listdir(tmp_path) == ["file"]


def test_a_mount_point_is_refused() -> None:
    with pytest.raises(UsageError, match="mount point"):
        write(Path("/proc"), "new", force=True)


def write_too_much(path: Path) -> None:
    with output_folder(path) as folder, writing(path), open("/dev/full", "wb") as file:
        (folder / "model.py").write_text("new")
        file.write(b"weights")


def test_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no space left on device"):
        write_too_much(tmp_path / "net")
    assert os.listdir(tmp_path) == []


WRITER = """
import sys, time
from pathlib import Path
from onnx2ms.compiler import output

def wait(folder):
    print(folder, flush=True)
    time.sleep(60)

if sys.argv[2] == "after":
    exchange = output._exchange
    output._exchange = lambda new, target: (exchange(new, target), wait(new))
with output.output_folder(sys.argv[1], force=True) as folder:
    (folder / "model.py").write_text("new")
    if sys.argv[2] == "before":
        wait(folder)
"""


@pytest.fixture
def stopped() -> Callable[[Path, str], tuple[subprocess.Popen[str], Path]]:
    def start(target: Path, where: str) -> tuple[subprocess.Popen[str], Path]:
        command = [sys.executable, "-c", WRITER, str(target), where]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert run.stdout
        return run, Path(run.stdout.readline().strip())

    return start


@pytest.mark.parametrize(("where", "left"), [("before", "old"), ("after", "new")])
def test_a_killed_run_leaves_the_old_folder_or_the_new_one(
    tmp_path: Path,
    stopped: Callable[[Path, str], tuple[subprocess.Popen[str], Path]],
    where: str,
    left: str,
) -> None:
    target = tmp_path / "net"
    write(target, "old")
    run, folder = stopped(target, where)
    write(tmp_path / "other", "of a run at the same time")
    assert folder.exists() == (where == "before"), "a running process keeps what it still needs"
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert content(target) == {"model.py": left}
    write(tmp_path / "third", "the next run cleans")
    assert sorted(os.listdir(tmp_path)) == ["net", "other", "third"]


def test_runs_at_the_same_time_leave_one_whole_folder(tmp_path: Path) -> None:
    code = """
import sys
from onnx2ms.compiler.output import output_folder
for _ in range(20):
    with output_folder(sys.argv[1], force=True) as folder:
        for i in range(20):
            (folder / str(i)).write_text(sys.argv[2])
"""
    target = tmp_path / "net"
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(target), text]) for text in ("a", "b")
    ]
    while any(run.poll() is None for run in runs):
        time.sleep(0.01)
    assert [run.returncode for run in runs] == [0, 0]
    assert len(set(content(target).values())) == 1
    assert len(content(target)) == 20
    assert os.listdir(tmp_path) == ["net"]


def test_a_file_of_the_user_is_no_leftover(tmp_path: Path) -> None:
    mine = tmp_path / f"{output.PREFIX}notes"
    mine.mkdir()
    write(tmp_path / "net", "new")
    assert mine.exists()
