"""Time of the ResNet-50 that onnx2ms writes beside mindcv's: calls, and compiling in GRAPH mode."""

import argparse
import os
import signal
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean, median, quantiles

from common import ENVIRONMENT, MINDSPORE, measure, onnx2ms, python, restore, table

HERE = Path(__file__).parent
MODES = ("GRAPH", "PYNATIVE")
HEAD = (
    "mode",
    "batch",
    "what",
    "onnx2ms ms:",
    "mindcv ms:",
    "mindcv again ms:",
    "onnx2ms / mindcv:",
    "mindcv / mindcv",
    "verdict",
)


@dataclass(frozen=True)
class Bench:
    """What is called, and how it is timed.

    Attributes:
        networks: Ours, mindcv's and mindcv's once more.
        mode: GRAPH or PYNATIVE.
        batch: Images in a call.
        clock: wall, or cpu: that of all threads.
        folder: What onnx2ms wrote.
    """

    networks: tuple[str, str, str]
    mode: str
    batch: int
    clock: str
    folder: Path


class Worker:
    """A process that holds one network; it is stopped while it is not its turn.

    Attributes:
        first: Seconds of its first call: in GRAPH mode it compiles.
    """

    def __init__(self, network: str, bench: Bench) -> None:
        """Start the process and wait for its first call."""
        words = (network, bench.mode, str(bench.batch), bench.clock, bench.folder)
        self._name = f"the process of {network} in {bench.mode} mode"
        self._log = bench.folder / "log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                python(HERE / "inference_worker.py", *words),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=bench.folder,  # MindSpore writes rank_0/ and more where it works
                env=ENVIRONMENT | MINDSPORE | dict(os.environ),
                text=True,
                # Should this process be killed, the system ends groups that are left stopped.
                process_group=0,
            )
        self.first = self._read("first")

    def call(self) -> float:
        """Return the seconds of a call."""
        self._process.send_signal(signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._read("call")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _read(self, word: str) -> float:
        """Wait for its next number, and stop it: threads of an idle MindSpore still spin."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(f"{word}: "):
                self._process.send_signal(signal.SIGSTOP)
                return float(line.removeprefix(f"{word}: "))
        raise SystemExit(f"{self._name} ended: {self._log.read_text().strip()[-2000:]}")


@contextmanager
def worker(network: str, bench: Bench) -> Generator[Worker]:
    """Yield a worker that ends with the block."""
    started = Worker(network, bench)
    try:
        yield started
    finally:
        started.close()


def turns(count: int, rounds: int) -> Iterator[int]:
    """Yield whose turn it is; each round begins with another one."""
    for first in range(rounds):
        yield from ((first + offset) % count for offset in range(count))


def time_calls(bench: Bench, rounds: int) -> list[list[float]]:
    """Return the seconds of a call of each network, by round."""
    seconds: list[list[float]] = [[] for _ in bench.networks]
    with ExitStack() as stack:
        started = [stack.enter_context(worker(network, bench)) for network in bench.networks]
        for turn in turns(len(seconds), rounds):
            seconds[turn].append(started[turn].call())
    return seconds


def time_first_calls(bench: Bench, rounds: int) -> list[list[float]]:
    """Return the seconds of the first call of each network, by round, a process each."""
    seconds: list[list[float]] = [[] for _ in bench.networks]
    for turn in turns(len(seconds), rounds):
        with worker(bench.networks[turn], bench) as started:
            seconds[turn].append(started.first)
    return seconds


def row(bench: Bench, what: str, seconds: Sequence[Sequence[float]]) -> list[str]:
    """Return a row of the table.

    In each round mindcv's one process is divided by its other, both ways round: the 5th to the
    95th percentile of that is the band of mindcv against itself. Ours is divided by the geometric
    mean of the two.

    Args:
        bench: What was called.
        what: What took the time.
        seconds: Of ours, of mindcv's and of mindcv's other process, by round.
    """
    rounds = list(zip(*seconds, strict=True))
    ratio = median(ours / geometric_mean(theirs) for ours, *theirs in rounds)
    itself = [quotient for _, one, two in rounds for quotient in (one / two, two / one)]
    low, *_, high = quantiles(itself, n=20, method="inclusive")
    verdict = "faster" if ratio < low else "SLOWER" if ratio > high else "inside"
    times = [f"{median(of_one) * 1e3:.0f}" for of_one in seconds]
    band = f"{low:.3f} to {high:.3f}"
    return [bench.mode, str(bench.batch), what, *times, f"{ratio:.3f}", band, verdict]


def rows(options: argparse.Namespace, root: Path) -> Iterator[list[str]]:
    """Convert the network, measure, and yield the rows of the table."""
    (model,) = restore(root, "dynamo_bn/resnet50")
    folder = root / "network"  # exported for one image, it takes any number of them
    done = measure(onnx2ms(model, folder, "--no-verify"), root)
    if done.status:
        raise SystemExit(done.log)
    peer = "mindcv-torch-pool" if options.torch_pool else "mindcv"
    networks = ("onnx2ms", peer, peer)
    for batch in options.batch:
        for mode in options.modes:
            bench = Bench(networks, mode, batch, options.clock, folder)
            yield row(bench, "a call", time_calls(bench, options.rounds))
    if "GRAPH" in options.modes and options.compilations:
        # What is compiled does not depend on the batch.
        bench = Bench(networks, "GRAPH", options.batch[0], options.clock, folder)
        yield row(bench, "first call: compiles", time_first_calls(bench, options.compilations))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="turns of each network (20)")
    parser.add_argument("--compilations", type=int, help="first calls of each network (as rounds)")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8], help="batch sizes (1 8)")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, help="modes (both)")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="(wall)")
    pool = "give mindcv's network torchvision's pooling layer"
    parser.add_argument("--torch-pool", action="store_true", help=pool)
    options = parser.parse_args()
    if options.compilations is None:
        options.compilations = options.rounds
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as folder:
        found = list(rows(options, Path(folder)))
    print(table(HEAD, found))
    print(
        f"\n{options.rounds} rounds, {options.compilations} compilations, in turn; one thread; "
        f"{options.clock} clock; "
        f"pooling layer of {'torchvision' if options.torch_pool else 'mindcv'}; "
        f"load of the machine {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
