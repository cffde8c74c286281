"""What becomes of each network: nodes, lines and classes, the error by mode, CPU seconds."""

import argparse
import json
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from common import Cost, measure, onnx2ms, restore, table

LIGHT = ("resnet50", "vgg19", "squeezenet", "densenet121")
HEAD = (
    "file",
    "exporter",
    "nodes in file:",
    "nodes lowered:",
    "lines:",
    "classes",
    "error PYNATIVE:",
    "error GRAPH:",
    "CPU s:",
)


def light() -> list[Path]:
    """Return networks that ship inside the onnx package."""
    spec = find_spec("onnx")
    assert spec is not None, "onnx is not installed"
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "backend" / "test" / "data" / "light"
    return [folder / f"light_{name}.onnx" for name in LIGHT]


def row(model: Path, shapes: Sequence[str], folder: Path, rounds: int) -> list[str]:
    """Convert a network, some times without proof and once with it, and return its row.

    Args:
        model: The .onnx file.
        shapes: Shapes of its inputs, as the command line takes them.
        folder: An empty folder to work in.
        rounds: Conversions of which the median of the CPU seconds is told.
    """
    options = [word for shape in shapes for word in ("--shape", shape)]
    convert = onnx2ms(model.resolve(), folder / "out", *options)
    costs: list[Cost] = []
    for _ in range(rounds):
        costs.append(measure([*convert, "--no-verify"], folder))
    proof = measure(convert, folder)
    if proof.status not in (0, 3):  # 3: the files are there, but something else is computed
        reason = proof.log.strip().partition("\n")[0]
        return [model.name, f"not converted: {reason}", *["-"] * (len(HEAD) - 2)]
    report = json.loads((folder / "out" / "report.json").read_text(encoding="utf-8"))
    modes = report["verification"]["modes"]
    return [
        model.name,
        f"{report['model']['exporter'] or '-'}, opset {report['model']['opset']}",
        *(str(sum(report["operators"][when].values())) for when in ("before", "after")),
        str(report["source"]["lines"]),
        ", ".join(report["source"]["classes"]),
        *(error(modes[mode]) for mode in ("pynative", "graph")),
        f"{median(cost.cpu for cost in costs):.2f}",
    ]


def error(mode: Any) -> str:
    """Return the largest error of a mode's outputs, or why there is none."""
    if mode["failure"]:
        return f"failed: {mode['failure']}"
    if not mode["outputs"]:
        return "no reference"
    problems = [output["problem"] for output in mode["outputs"] if output["problem"]]
    if problems:
        return f"wrong: {problems[0]}"
    largest = f"{max(output['error'] for output in mode['outputs']):.1e}"
    return largest if mode["verified"] else f"wrong: {largest}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--file",
        action="append",
        default=[],
        nargs="+",
        metavar=("MODEL", "SHAPE"),
        help="one more network; shapes as `onnx2ms --shape` takes them",
    )
    parser.add_argument("--only", default="", help="networks whose file name holds this word")
    parser.add_argument("--rounds", type=int, default=3, help="conversions of each that count (3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as name:
        root = Path(name)
        asked = [(path, list[str]()) for path in (*restore(root), *light())]
        asked += [(Path(path), shapes) for path, *shapes in options.file]
        rows: list[list[str]] = []
        for model, shapes in asked:
            if options.only in model.name:
                with tempfile.TemporaryDirectory(dir=root) as folder:
                    rows.append(row(model, shapes, Path(folder), options.rounds))
    print(table(HEAD, rows))


if __name__ == "__main__":
    main()
