"""What converting ResNet-50 costs, beside other converters: CPU seconds and peak memory."""

import argparse
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from common import Cost, measure, onnx2ms, python, restore, table

HERE = Path(__file__).parent
EXPORTS = ("dynamo/resnet50", "legacy/resnet50")
CPU_BUDGET, MEMORY_BUDGET = 1.5, 300e6
HEAD = ("model", "tool", "CPU s:", "min:", "max:", "peak MB:", "min:", "max:", "its result")


def pnnx() -> list[str]:
    """Return the program inside pnnx's package: `pnnx` itself would first import torch, for 2 s."""
    spec = find_spec("pnnx")
    folders = spec.submodule_search_locations if spec else None
    return [str(Path(folders[0]) / "pnnx" if folders else "pnnx"), "model.onnx"]


TOOLS: dict[str, Callable[[], list[str]]] = {
    "onnx2ms": lambda: onnx2ms(Path("model.onnx"), Path("out"), "--no-verify"),
    "pnnx": pnnx,
    "onnx2pytorch": lambda: python(HERE / "onnx2pytorch_driver.py", "model.onnx"),
    "onnxslim": lambda: python("-m", "onnxslim", "model.onnx", "slim.onnx"),
}
"""The command of each tool that converts `model.onnx` in the working folder."""


@dataclass(frozen=True)
class Run:
    """A tool on a model.

    Attributes:
        model: The .onnx file.
        tool: One of `TOOLS`.
        folder: Where it works.
        costs: What each round cost.
    """

    model: Path
    tool: str
    folder: Path
    costs: list[Cost]

    def convert(self) -> Cost:
        """Convert the model once."""
        return measure(TOOLS[self.tool](), self.folder)

    def result(self) -> str:
        """Convert and run what came of it; return its error against onnxruntime's output."""
        if (cost := self.convert()).status:
            return f"failed: {cost.last_line}"
        script = python(HERE / "results.py", self.tool, self.folder / "model.onnx", self.folder)
        cost = measure(script, self.folder)
        found = re.search(r"^error (\S+)$", cost.log, re.MULTILINE)
        return f"error {found[1]}" if found else f"does not run: {cost.last_line}"


def runs_of(models: Sequence[Path], root: Path) -> Iterator[Run]:
    """Yield each tool that is installed, on each model."""
    for model in models:
        for tool in filter(find_spec, TOOLS):
            folder = root / f"{model.stem}-{tool}"
            folder.mkdir()
            (folder / "model.onnx").symlink_to(model.resolve())
            yield Run(model, tool, folder, [])


def title(tool: str) -> str:
    """Return name and version; one that runs from its sources may have none."""
    try:
        return f"{tool} {version(tool)}"
    except PackageNotFoundError:
        return tool


def rows_of(runs: Sequence[Run], results: Sequence[str]) -> Iterator[list[str]]:
    """Yield the rows of the table."""
    for run, result in zip(runs, results, strict=True):
        cpu = [f"{bound([c.cpu for c in run.costs]):.2f}" for bound in (median, min, max)]
        peak = [f"{bound([c.peak for c in run.costs]) / 1e6:.0f}" for bound in (median, min, max)]
        yield [run.model.stem, title(run.tool), *cpu, *peak, result]
    for tool in TOOLS:
        if find_spec(tool) is None:
            yield ["", tool, *["-"] * 6, "not installed"]


def verdicts(runs: Sequence[Run]) -> Iterator[str]:
    """Yield a line for each budget and model of ours."""
    for run in runs:
        if run.tool != "onnx2ms":
            continue
        cpu = median(cost.cpu for cost in run.costs)
        peak = median(cost.peak for cost in run.costs)
        kept = "kept" if cpu <= CPU_BUDGET and peak <= MEMORY_BUDGET else "EXCEEDED"
        yield (
            f"- onnx2ms on {run.model.stem}: {cpu:.2f} of {CPU_BUDGET} CPU s, "
            f"{peak / 1e6:.0f} of {MEMORY_BUDGET / 1e6:.0f} MB: budget {kept}"
        )


def main() -> None:
    """Print the table and whether our budgets are kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, help="default: ResNet-50 of tests/data")
    parser.add_argument("--rounds", type=int, default=5, help="times each tool runs (5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as folder:
        models = options.models or restore(Path(folder), *EXPORTS)
        runs = list(runs_of(models, Path(folder)))
        results = [run.result() for run in runs]  # every file has been read once when time counts
        for _ in range(options.rounds):
            for run in runs:
                run.costs.append(run.convert())
    print(table(HEAD, rows_of(runs, results)))
    load = f"load of the machine {os.getloadavg()[0]:.1f}"
    print(f"\n{options.rounds} rounds, the tools in turn; {load}")
    print("\n".join(verdicts(runs)))


if __name__ == "__main__":
    main()
