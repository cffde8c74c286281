"""What becomes of each network of an archive: nodes, lines, errors, keys, CPU seconds."""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from common import DATA, Cost, measure, onnx2ms, table
from networks import error
from open_sizes import open_sizes
from reading import Reading, read

sys.path.insert(0, str(DATA))
import zoo  # type: ignore[import-not-found]  # the archive's own reader
from stripped import strip  # type: ignore[import-not-found]

HEAD = (
    "entry",
    "exporter",
    "nodes:",
    "lowered:",
    "lines:",
    "classes:",
    "longest construct:",
    "arguments:",
    "twins:",
    "counted names:",
    "PYNATIVE:",
    "GRAPH:",
    "sizes / compiled:",
    "keys:",
    "CPU s:",
)


@dataclass(frozen=True)
class Result:
    """What became of one network.

    Attributes:
        entry: Its entry in the archive's index.
        report: What report.json holds; None if it was not converted.
        reading: Figures of the source.
        keys: Parameters of the weight map by whether and why not they have a state_dict key.
        cost: What the conversion without verification cost.
        problem: First line of the error message, if there was one.
    """

    entry: Any
    report: Any
    reading: Reading | None
    keys: Counter[str]
    cost: Cost
    problem: str

    @property
    def name(self) -> str:
        """Exporter and network."""
        return f"{self.entry['exporter']}/{self.entry['id']}"

    def row(self) -> list[str]:
        """Return its row of the table."""
        head = [self.entry["id"], self.entry["exporter"]]
        if self.reading is None:
            return [*head, f"not converted: {self.problem}", *["-"] * (len(HEAD) - 3)]
        counts = self.report["operators"]
        modes = (self.report["verification"] or {}).get("modes", {})
        return [
            *head,
            *(str(sum(counts[when].values())) for when in ("before", "after")),
            str(self.reading.lines),
            str(self.reading.classes),
            str(self.reading.longest),
            str(self.reading.arguments),
            str(len(self.reading.twins)),
            str(len(self.reading.counted)),
            *(error(modes[mode]) if mode in modes else "-" for mode in ("pynative", "graph")),
            compiled(modes["graph"]) if "graph" in modes else "-",
            f"{self.keys['']}/{self.keys.total()}",
            f"{self.cost.cpu:.2f}",
        ]


def run(entry: Any, archive: Path, options: argparse.Namespace) -> Result:
    """Restore one network and convert it."""
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as name:
        folder = Path(name)
        model = zoo.load(archive, entry)
        if options.stripped:
            strip(model)
        bindings: list[Any] = [None, *range(len(entry["bindings"]))] if entry["dynamic"] else [None]
        if options.symbolic:
            symbols, second = open_sizes(model, zoo.inputs(entry))
            entry = {**entry, "id": f"{entry['id']} ({', '.join(symbols) or 'all fixed'})"}
            bindings.append(second)
        file = folder / f"{entry['id'].partition(' ')[0]}.onnx"
        onnx.save(model, file)
        for number, binding in enumerate(bindings):
            np.savez(folder / f"inputs{number}.npz", **zoo.inputs(entry, binding))
        return convert(entry, file, folder, options)


def convert(
    entry: Any, file: Path, folder: Path, options: argparse.Namespace, shapes: Sequence[str] = ()
) -> Result:
    """Convert a model, once without proof for the cost and once with it.

    Args:
        entry: Tells its `id` and `exporter`.
        file: The model.
        folder: Where to work; it holds the inputs, an .npz file for each call.
        options: Of the command line.
        shapes: Shapes of its inputs, as the command line of onnx2ms takes them.
    """
    words = [word for shape in shapes for word in ("--shape", shape)]
    words += [word for call in sorted(folder.glob("*.npz")) for word in ("--inputs", str(call))]
    words += ["--check-passes"] if options.check_passes else []
    command = onnx2ms(file, folder / "out", *words)
    cost = measure([*command, "--no-verify"], folder)
    proof = cost if options.no_verify or cost.status else measure(command, folder)
    problem = proof.log.strip().partition("\n")[0] if proof.status else ""
    if proof.status not in (0, 3):  # 3: the files are there, but something else is computed
        return Result(entry, None, None, Counter(), cost, problem or f"status {proof.status}")
    out = folder / "out"
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    source = (out / "model.py").read_text(encoding="utf-8")
    keys = key_counts(json.loads((out / "weight_map.json").read_text(encoding="utf-8")))
    if options.sources:
        options.sources.mkdir(parents=True, exist_ok=True)
        (options.sources / f"{entry['exporter']}__{entry['id']}.py").write_text(source)
    return Result(entry, report, read(source), keys, cost, problem)


def compiled(mode: Any) -> str:
    """Return at how many sizes a network was run, and how often it was compiled for them."""
    return f"{len({output['call'] for output in mode['outputs']})} / {mode['compilations']}"


def key_counts(weight_map: Any) -> Counter[str]:
    """Return how many parameters have a state_dict key (''), and how many not, by reason."""
    return Counter(item.get("reason", "").partition(":")[0] for item in weight_map["parameters"])


def fit(results: Sequence[Result]) -> str:
    """Return the cost of a conversion as a sum: constant, by node, by MB of weights."""
    done = [result for result in results if result.report]
    nodes = [sum(result.report["operators"]["before"].values()) for result in done]
    megabytes = [result.report["weights"]["bytes"] / 1e6 for result in done]
    terms = np.stack([np.ones(len(done)), nodes, megabytes], axis=1)
    costs = np.array([result.cost.cpu for result in done])
    (constant, node, megabyte), *_ = np.linalg.lstsq(terms, costs, rcond=None)
    worst = np.max(costs - terms @ (constant, node, megabyte))
    return (
        f"CPU s = {constant:.2f} + {node * 1e3:.2f} ms a node + {megabyte * 1e3:.1f} ms a MB of "
        f"weights (at most {worst:.2f} s above it), {len(done)} networks"
    )


def start_up() -> str:
    """Return what the command costs before it reads a model: the imports that all need."""
    imports = "import onnx2ms.compiler.cli, onnx2ms.compiler.driver, onnx.shape_inference"
    with tempfile.TemporaryDirectory() as folder:
        costs = [measure([sys.executable, "-c", imports], Path(folder)).cpu for _ in range(5)]
    return f"of which {sorted(costs)[2]:.2f} s are the interpreter and imports"


def summary(results: Sequence[Result]) -> list[str]:
    """Return what is to be said of all of them."""
    lines: list[str] = []
    done = [result for result in results if result.reading is not None]
    for exporter in sorted({result.entry["exporter"] for result in done}):
        mine = [result for result in done if result.entry["exporter"] == exporter]
        keys = sum((result.keys for result in mine), Counter[str]())
        share = 100 * keys[""] / max(keys.total(), 1)
        others = ", ".join(f"{count} {reason}" for reason, count in keys.items() if reason)
        lines.append(f"{exporter}: {keys['']} of {keys.total()} keys ({share:.1f} %); {others}")
    readings = [result.reading for result in done if result.reading]
    nodes = sum(sum(result.report["operators"]["after"].values()) for result in done)
    source_lines = sum(reading.lines for reading in readings)
    lines += [
        f"{len(done)} of {len(results)} converted; {source_lines} lines for {nodes} nodes "
        f"({source_lines / max(nodes, 1):.2f} a node); "
        f"{sum(reading.classes for reading in readings)} classes; "
        f"longest construct {max((r.longest for r in readings), default=0)} lines; at most "
        f"{max((r.arguments for r in readings), default=0)} arguments of a constructor; "
        f"{sum(len(r.twins) for r in readings)} twins; "
        f"{sum(len(r.counted) for r in readings)} counted names",
    ]
    wrong = [f"{r.name}: {r.problem}" for r in results if r.problem]
    return [*lines, *(f"NOT PROVED {line}" for line in wrong)]


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return the options that archives of all kinds have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("archive", type=Path, help="folder with the index and the networks")
    parser.add_argument("--ids", nargs="*", default=[], help="networks, or exporter/network")
    parser.add_argument("--no-verify", action="store_true", help="convert, do not prove")
    parser.add_argument(
        "--check-passes", action="store_true", help="run the graph before and after every pass"
    )
    parser.add_argument("--jobs", type=int, default=2, help="conversions at a time (2)")
    parser.add_argument("--sources", type=Path, help="folder to keep the sources in")
    return parser


def report_all(tasks: Iterable[Callable[[], Result]], jobs: int) -> None:
    """Run all conversions and print what became of them, each row as soon as it is known.

    Exits with 1 if any is not proved.
    """
    results: list[Result] = []
    print(table(HEAD, []), flush=True)
    with ThreadPoolExecutor(jobs) as pool:
        for result in pool.map(lambda task: task(), tasks):
            results.append(result)
            *_, line = table(HEAD, [result.row()]).splitlines()
            print(line, flush=True)
    print()
    for line in [*summary(results), fit(results), start_up()]:
        print(f"- {line}")
    sys.exit(any(result.problem for result in results))


def main() -> None:
    """Print the table and what is to be said of all networks."""
    parser = arguments(__doc__)
    parser.add_argument("--group", action="append", default=[], help="one of the index's groups")
    parser.add_argument("--static", action="store_true", help="those without dynamic dimensions")
    parser.add_argument("--dynamic", action="store_true", help="those with dynamic dimensions")
    parser.add_argument("--stripped", action="store_true", help="without what tells of modules")
    parser.add_argument(
        "--symbolic", action="store_true", help="symbols for batch, height and width, if allowed"
    )
    options = parser.parse_args()
    entries = [
        entry
        for entry in zoo.select(zoo.load_index(options.archive), options.ids)
        if (not options.group or entry.get("group", "cnn") in options.group)
        and not (options.static and entry["dynamic"])
        and not (options.dynamic and not entry["dynamic"])
    ]
    tasks = [partial(run, entry, options.archive, options) for entry in entries]
    report_all(tasks, options.jobs)


if __name__ == "__main__":
    main()
