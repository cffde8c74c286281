"""First call in GRAPH mode, which compiles: what onnx2ms writes beside mindcv's same network."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from common import MINDSPORE, measure, onnx2ms, python, table

HEAD = ("network", "onnx2ms s:", "mindcv s:", "onnx2ms / mindcv:", "lines:")


def emitted(name: str) -> Any:
    """Return the network in a folder that onnx2ms wrote."""
    sys.path.insert(0, name)
    return import_module("model").build_model()


def mindcv(name: str) -> Any:
    """Return mindcv's network of a name, its weights by chance."""
    return import_module("mindcv").create_model(name).set_train(False)


NETWORKS: dict[str, Callable[[str], Any]] = {"onnx2ms": emitted, "mindcv": mindcv}


def first_call(kind: str, name: str) -> None:
    """Print the CPU seconds of the first call of a network."""
    import numpy as np

    ms: Any = import_module("mindspore")  # ships no types
    ms.device_context.cpu.op_tuning.threads_num(1)
    ms.set_context(mode=ms.GRAPH_MODE)
    net = NETWORKS[kind](name)
    image = ms.Tensor(np.zeros((1, 3, 224, 224), np.float32))
    started = time.process_time()
    net(image).asnumpy()
    print(f"first: {time.process_time() - started}", flush=True)


def seconds(kind: str, name: str, folder: Path) -> float:
    """Return the CPU seconds of the first call of a network, in a process of its own."""
    cost = measure(python(Path(__file__), "--first", kind, name), folder)
    found = [line for line in cost.log.splitlines() if line.startswith("first: ")]
    if not found:
        raise SystemExit(f"{kind} {name}: {cost.last_line}")
    return float(found[0].removeprefix("first: "))


def row(pair: str, rounds: int) -> list[str]:
    """Return the row of one network: the two take turns."""
    model, _, name = pair.partition("=")
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as work:
        folder = Path(work)
        cost = measure(onnx2ms(Path(model).resolve(), folder / "out", "--no-verify"), folder)
        if cost.status:
            raise SystemExit(cost.log.strip())
        lines = len((folder / "out" / "model.py").read_text(encoding="utf-8").splitlines())
        ours, theirs = list[float](), list[float]()
        for _ in range(rounds):
            ours.append(seconds("onnx2ms", str(folder / "out"), folder))
            theirs.append(seconds("mindcv", name, folder))
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return [name, f"{median(ours):.2f}", f"{median(theirs):.2f}", f"{ratio:.2f}", str(lines)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="*", metavar="MODEL.onnx=NAME", help="NAME is mindcv's")
    parser.add_argument("--rounds", type=int, default=3, help="first calls of each (3)")
    parser.add_argument("--first", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first:
        first_call(*options.first)
        return
    for name, value in MINDSPORE.items():
        os.environ.setdefault(name, value)
    print(table(HEAD, [row(pair, options.rounds) for pair in options.pairs]))


if __name__ == "__main__":
    main()
