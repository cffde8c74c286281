"""Random graphs: `run.py [--count 2000] [--seed 0] [--graph-every 1]`, or `run.py FILE…`.

Each is converted, run in PYNATIVE and in GRAPH mode, and held against onnxruntime, or
onnx.reference where that has no kernel. A graph that differs is written into OUT as SEED.onnx, what
is told of all into OUT as lines of JSON; a file is tried again so. With --resume what OUT tells
already is not run again. A graph depends on its seed alone: `--seed 17 --count 1` is number 17.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import judge
import onnx

ROOT = Path(__file__).parents[2]
CHUNK = 100
"""So many graphs a process."""

SECONDS = 1800
"""So long may a process take."""

HEALTH: list[Any] = list(hypothesis.HealthCheck)
FINE = ("pass", "skip", "nan", "onnxruntime")
Told = dict[str, Any]


def main(arguments: list[str]) -> None:
    """Run a number of random graphs, or files; the status is 1 if one is wrong."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.worker:
        work(options)
        return
    began, told = time.monotonic(), list[Told]()
    if options.files:
        told += chunk(options, options.seed, len(options.files))
    else:
        for seed in range(options.seed, options.seed + options.count, CHUNK):
            told += chunk(options, seed, min(CHUNK, options.seed + options.count - seed))
            count = Counter(one["status"] for one in told)
            seconds = time.monotonic() - began
            print(f"{len(told)} graphs, {seconds:.0f} s: {dict(count)}", flush=True)
    print(summary(told))
    sys.exit(any(one["status"] not in FINE for one in told))


def chunk(options: argparse.Namespace, seed: int, count: int) -> list[Told]:
    """Run some graphs in processes of their own; one that ends a process counts as wrong."""
    log = options.out / f"{seed}.jsonl"
    if not options.resume:
        log.unlink(missing_ok=True)
    while (done := len(lines_of(log))) < count:
        words = ["--worker", "--out", options.out, "--graph-every", options.graph_every]
        words += ["--seed", seed + done, "--count", count - done, "--log", log]
        words += [file.resolve() for file in options.files[done:]]
        command = [sys.executable, __file__, *map(str, words)]
        with tempfile.TemporaryDirectory() as scratch:
            try:
                status = subprocess.run(
                    command, cwd=scratch, check=False, timeout=SECONDS
                ).returncode
            except subprocess.TimeoutExpired:
                status = SECONDS
        if status and len(lines_of(log)) < count:
            reason = f"the process ended with status {status}"
            tell(log, {"status": "crash", "reason": reason, "seed": seed + len(lines_of(log))})
    return [json.loads(line) for line in lines_of(log)]


def lines_of(log: Path) -> list[str]:
    """Return the lines of a log, if there is one."""
    return log.read_text().splitlines() if log.exists() else []


def tell(log: Path, told: Told) -> None:
    """Append a line to a log."""
    with log.open("a") as file:
        print(json.dumps(told), file=file)


def summary(told: list[Told]) -> str:
    """Return figures, and what is to be said of each graph that was not simply right."""
    operators = Counter(name for one in told for name in one.get("operators", ()))
    status = Counter(one["status"] for one in told)
    lines = [
        f"{one['status']} {one.get('file') or one.get('seed', '')}: {one['reason'][:300]}"
        for one in told
        if one["status"] not in ("pass", "nan")
    ]
    figures = f"{len(told)} graphs, {operators.total()} nodes of {len(operators)} operators: "
    return "\n".join([*lines, figures + ", ".join(f"{n} {name}" for name, n in status.items())])


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--graph-every", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--log", type=Path)
    options = parser.parse_args(arguments)
    options.out = options.out.resolve()
    return options


def work(options: argparse.Namespace) -> None:
    """Try graphs in this process."""
    warnings.simplefilter("ignore")  # NumPy's, about overflows
    for number in range(len(options.files) or options.count):
        seed = options.seed + number
        model = load(options.files[number]) if options.files else draw(seed)
        graph = options.files or seed % options.graph_every == 0
        told = judge.attempt(model, ["pynative", "graph"] if graph else ["pynative"])
        told["seed"] = seed
        if options.files:
            told["file"] = str(options.files[number])
        elif told["status"] not in ("pass", "nan"):
            told["file"] = str(options.out / f"{seed}.onnx")
            onnx.save(model, told["file"])
        tell(options.log, told)


def load(file: Path) -> onnx.ModelProto:
    """Read a graph, from ONNX's text if the file is called .txt."""
    if file.suffix == ".txt":
        return onnx.parser.parse_model(file.read_text(encoding="utf-8"))
    return onnx.load(file)


def draw(seed: int) -> onnx.ModelProto:
    """Return the graph of a seed."""
    from graphs import graphs

    models: list[onnx.ModelProto] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=2,  # the first is always the simplest
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=HEALTH,
    )
    @hypothesis.given(graphs())
    def collect(model: onnx.ModelProto) -> None:
        models.append(model)

    collect()
    return models[-1]


if __name__ == "__main__":
    judge.quiet()
    main(sys.argv[1:])
