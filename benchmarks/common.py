"""What the benchmarks share: the networks, what a command costs, tables."""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parents[1] / "tests" / "data"
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "GLOG_v": "4"}
"""What a measured process is given, unless the user has set it."""

MINDSPORE = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
"""What a process that computes in MindSpore is given besides: for AVX-512 the oneDNN of MindSpore
2.10 has no fast 3x3 convolution, and a ResNet-50 takes 9 s instead of 0.15 s."""


@dataclass(frozen=True)
class Cost:
    """What a finished command cost.

    Attributes:
        status: Its exit status.
        cpu: User and system seconds of the process and of all that it waited for.
        peak: Resident bytes of the largest of these processes.
        log: What it printed.
    """

    status: int
    cpu: float
    peak: int
    log: str

    @property
    def last_line(self) -> str:
        """The end of what it printed: of a Python program that failed, the error."""
        lines = self.log.strip().splitlines()
        return lines[-1].strip() if lines else ""


def measure(command: Sequence[str], folder: Path) -> Cost:
    """Run a command to its end.

    A caller should stay small: Linux counts the memory of the process that starts a command as
    the command's own. So nothing here, nor in the scripts that measure, imports numpy or onnx.

    Args:
        command: Program and arguments.
        folder: Where it runs.
    """
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=ENVIRONMENT | dict(os.environ),
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    text = (folder / "log").read_text(encoding="utf-8", errors="replace")
    return Cost(process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, text)


def python(*arguments: str | Path) -> list[str]:
    """Return the command that runs this interpreter."""
    return [sys.executable, *map(str, arguments)]


def onnx2ms(model: Path, folder: Path, *options: str) -> list[str]:
    """Return the command that converts a model into a folder, which may exist.

    Args:
        model: The .onnx file.
        folder: Where the result goes.
        options: Further words of the command line.
    """
    return python("-m", "onnx2ms", model, "-o", folder, "--force", *options)


def restore(folder: Path, *keys: str) -> list[Path]:
    """Write packed exports of tests/data as .onnx files.

    Args:
        folder: Where they go.
        keys: `exporter/network` each; none: all there are.

    Returns:
        The files, by name.
    """
    ids = ["--ids", *keys] if keys else []
    subprocess.run(python(DATA / "zoo.py", "restore", DATA, folder, *ids), check=True)
    return sorted(folder.glob("*.onnx"))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table.

    Args:
        head: Titles of the columns; one that ends with a colon is aligned to the right.
        rows: Cells of each row, as many as there are titles.
    """
    marks = ["---:" if title.endswith(":") else "---" for title in head]
    lines = [[title.removesuffix(":") for title in head], marks]
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
