"""Train the architectures of torchvision, timm and transformers in MindSpore beside PyTorch.

    python benchmarks/architectures.py [--only WORD] [--exporter dynamo] [--results FOLDER]

Every network of torch_architectures is exported by both of PyTorch's exporters; what is compared
is that of benchmarks/parity.py. What came of each stays in the folder of results: a run that was
ended goes on where it was, and `--again` runs anew what was not the same. Exit status 1 if
something is not.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from common import measure, python, table
from parity import EXPORTERS, HEAD, rows

FOLDER = Path(__file__).parent
PARTS = ("vision", "image_models", "language")
WRONG = ("wrong", "not")


def run(factory: str, exporter: str, result: Path, timeout: int) -> list[list[str]]:
    """Run one network in a process of its own, which has a time limit.

    Args:
        factory: `package.module:factory`.
        exporter: "legacy" or "dynamo".
        result: Where the child writes its rows.
        timeout: Seconds.
    """
    command = python(__file__, "--one", factory, "--exporter", exporter, "--result", result)
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as folder:
        cost = measure(["timeout", str(timeout), *command], Path(folder))
    if not result.exists():
        said = f"no end in {timeout} s" if cost.status == 124 else cost.last_line
        name = factory.rpartition(":")[2]
        result.write_text(json.dumps([[name, exporter, "-", f"not run: {said}", *4 * "-"]]))
    found: list[list[str]] = json.loads(result.read_text())
    return found


def is_wrong(row: Sequence[str]) -> bool:
    """Tell whether something in a row is not the same."""
    return any(cell.startswith(WRONG) for cell in row)


def factories() -> Iterator[str]:
    """Yield `package.module:factory` of every network."""
    for part in PARTS:
        module = import_module(f"torch_architectures.{part}")
        for network in module.NETWORKS:
            yield f"torch_architectures.{part}:{network.__name__}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and return the exit status.

    Args:
        arguments: Words of the command line; None: those of the process.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="networks whose name holds this word")
    parser.add_argument("--exporter", choices=EXPORTERS, help="one of PyTorch's exporters (both)")
    parser.add_argument("--steps", type=int, default=20, help="steps of each optimizer (20)")
    parser.add_argument("--timeout", type=int, default=900, help="seconds for each network (900)")
    parser.add_argument("--results", type=Path, default=Path("build/architectures"))
    parser.add_argument("--again", action="store_true", help="run anew what was not the same")
    parser.add_argument("--table", action="store_true", help="run nothing, print what there is")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        sys.path.insert(0, str(FOLDER))
        options.result.write_text(json.dumps([*rows(options.one, options.exporter, options.steps)]))
        return 0
    options.results.mkdir(parents=True, exist_ok=True)
    found: list[list[str]] = []
    for exporter in [options.exporter] if options.exporter else EXPORTERS:
        for factory in factories():
            if options.only not in factory:
                continue
            kept = options.results.resolve() / f"{factory.rpartition(':')[2]}_{exporter}.json"
            known = json.loads(kept.read_text()) if kept.exists() else []
            if not options.table and (not known or (options.again and any(map(is_wrong, known)))):
                kept.unlink(missing_ok=True)
                start = time.monotonic()
                known = run(factory, exporter, kept, options.timeout)
                took = f"{time.monotonic() - start:.0f} s"
                print(*(" | ".join([*row, took]) for row in known), sep="\n", file=sys.stderr)
            found += known
    found.sort(key=lambda row: row[0])
    print(table(HEAD, found))
    print(f"\n{len(found)} rows, {sum(map(is_wrong, found))} not the same")
    return int(any(map(is_wrong, found)))


if __name__ == "__main__":
    sys.exit(main())
