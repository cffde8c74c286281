"""Train networks in MindSpore beside PyTorch, and tell how far they come apart.

    python benchmarks/parity.py [--only WORD] [--exporter dynamo] [--steps 20] [FACTORY …]

Without a FACTORY (`package.module:factory`, in the current folder) these are the networks of
tests/models/torch_networks. Each is exported by both of PyTorch's exporters; outputs, gradients,
losses and running statistics are compared as `onnx2ms verify --gradients --steps` does. Exit
status 1 if something is not the same.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from common import table

import onnx2ms
from onnx2ms.compiler.recheck import Recheck
from onnx2ms.compiler.torch_export.factory import load_factory
from onnx2ms.compiler.verify.training import TrainingResult

NETWORKS = Path(__file__).parents[1] / "tests" / "models"
EXPORTERS = ("legacy", "dynamo")
COLUMNS = (
    ("forward", ("eval", "train")),
    ("gradient", ("eval", "train")),
    ("losses", ("SGD",)),
    ("losses", ("AdamW",)),
    ("statistics", ("train", "SGD", "AdamW")),
)
HEAD = ("network", "exporter", "mode", "outputs:", "gradients:", "SGD:", "AdamW:", "statistics:")


def rows(factory: str, exporter: str, steps: int) -> Iterator[list[str]]:
    """Yield a row for each mode of MindSpore.

    Args:
        factory: `package.module:factory`.
        exporter: "legacy" or "dynamo".
        steps: How often each optimizer goes on.
    """
    name = factory.rpartition(":")[2]
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as folder:
        try:
            made = load_factory(factory)
            onnx2ms.from_torch(
                made.module,
                made.example_inputs,
                folder,
                exporter="legacy" if exporter == "legacy" else "dynamo",
                verify="none",
                force=True,
            )
            found = onnx2ms.verify(folder, factory, gradients=True, steps=steps)
        except onnx2ms.NotProvenError as error:
            if not isinstance(error.conversion, Recheck):
                raise
            found = error.conversion
        except onnx2ms.Onnx2msError as error:
            yield [name, exporter, "-", f"not converted: {error.message.splitlines()[0]}", *4 * "-"]
            return
    for result in found.training:
        yield [name, exporter, result.mode, *cells(result)]


def cells(result: TrainingResult) -> list[str]:
    """Return the largest error of each column, or what is wrong."""
    told = result.failure or "; ".join(result.problems)
    if told:
        return [f"wrong: {told}", *(len(COLUMNS) - 1) * "-"]
    row: list[str] = []
    for what, states in COLUMNS:
        worst = [check for state in states if (check := result.worst(what, state))]
        first = max(worst, key=lambda c: (not c.passed, c.error / c.allowed), default=None)
        text = "-" if first is None else f"{first.error:.1e}"
        row.append(text if first is None or first.passed else f"wrong: {first.name} {text}")
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and return the exit status.

    Args:
        arguments: Words of the command line; None: those of the process.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("factories", nargs="*", metavar="FACTORY", help="package.module:factory")
    parser.add_argument("--only", default="", help="networks whose name holds this word")
    parser.add_argument("--exporter", choices=EXPORTERS, help="one of PyTorch's exporters (both)")
    parser.add_argument("--steps", type=int, default=20, help="steps of each optimizer (20)")
    options = parser.parse_args(arguments)
    factories: list[str] = options.factories
    if not factories:
        os.chdir(NETWORKS)
        sys.path.insert(0, str(NETWORKS))
        import torch_networks

        factories = [f"torch_networks:{made.__name__}" for made in torch_networks.NETWORKS]
    found: list[list[str]] = []
    for factory in factories:
        for exporter in [options.exporter] if options.exporter else EXPORTERS:
            if options.only in factory:
                for row in rows(factory, exporter, options.steps):
                    print(*row, sep=" | ", file=sys.stderr, flush=True)
                    found.append(row)
    print(table(HEAD, found))
    wrong = sum(any(cell.startswith(("wrong", "not")) for cell in row) for row in found)
    print(f"\n{len(found)} rows, {wrong} not the same")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
