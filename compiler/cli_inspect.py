"""The command `onnx2ms inspect`: what there is to know of a model before it is converted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .ir.errors import quoted
from .terminal import Flag, Names, lasting, parse_shapes

if TYPE_CHECKING:
    from rich.table import Table

    from .inspection import Inspection, ModuleCost

DEPTH = 2
ROWS = 40
"""So many modules are shown; --json has all."""


def inspect(
    model: Path,
    /,
    *,
    shape: Names = (),
    depth: Annotated[int, Parameter(show_default=True)] = DEPTH,
    plugin: Names = (),
    json: Flag = False,
) -> int:
    """Tell what a model holds, costs and needs, and whether it can be converted.

    Nothing is written, and nothing but plugins is run. Exit status: 0 all operators are supported,
    1 some are not, or the model cannot be read.

    Args:
        model: The .onnx file.
        shape: Shape of an input, NAME:D,D,… or, of the only one, D,D,…: numbers or names.
        depth: Levels of modules to show.
        plugin: A .py or .onnxtxt file or a module to use beside the installed plugins. It runs.
        json: Print all of it as JSON; docs/inspect.md describes it.
    """
    with lasting():
        from .inspection import inspect as look
    found = look(model, shapes=parse_shapes(shape), plugins=plugin)
    if json:
        print(as_json(found))
    else:
        show(found, depth)
    return 0 if found["supported"] else 1


def as_json(found: "Inspection") -> str:
    """Return what was found as JSON."""
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)


def show(found: "Inspection", depth: int) -> None:
    """Print what was found as tables."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=False)
    console.print(facts(found))
    console.print(operators(found))
    console.print(modules(found, depth))


def table(title: str, *columns: str, left: int = 1) -> "Table":
    """Return an empty table; all columns but the first ones hold numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(
        title=title or None, box=SIMPLE_HEAD, title_justify="left", show_header=bool(columns)
    )
    for place, column in enumerate(columns):
        made.add_column(column, justify="left" if place < left else "right", overflow="fold")
    return made


def facts(found: "Inspection") -> "Table":
    """Return what is told in a line each."""
    from rich.text import Text

    made = table("")
    for title, text in lines(found):
        made.add_row(Text(title, style="bold"), Text(text))
    return made


def lines(found: "Inspection") -> Iterator[tuple[str, str]]:
    """Yield titles and texts."""
    file, cost, weights = found["file"], found["cost"], found["weights"]
    by = file["producer"] or "an unknown exporter"
    exporter = f" ({file['exporter']} exporter)" if file["exporter"] else ""
    yield "model", f"{file['name']}, {megabytes(file['bytes'])}"
    yield "written by", plain(f"{by}{exporter}, opset {file['opset']}")
    for kind in ("inputs", "outputs"):
        for item in found[kind]:
            dims = ", ".join(map(str, item["shape"]))
            yield kind[:-1], plain(f"{item['name']}  {item['dtype']} ({dims})")
    for name, inputs in found["dimensions"]["symbols"].items():
        yield "open", plain(f"{name}, of {', '.join(inputs)}")
    if found["dimensions"]["flags"]:
        yield "to bind it", plain(" ".join(found["dimensions"]["flags"]))
    types = ", ".join(f"{count:,} {name}" for name, count in weights["types"].items())
    yield "parameters", f"{found['parameters']:,} in the network that would be written"
    yield "constants", f"{weights['tensors']:,} in the file: {types}; {megabytes(weights['bytes'])}"
    for form, nodes in found["quantization"].items():
        yield "quantized", f"{form}: {nodes:,} nodes"
    macs = "depend on data" if cost["macs"] is None else f"{cost['macs']:,}"
    at = ", ".join(f"{name} {size}" for name, size in cost["sizes"].items())
    formula = f" = {cost['formula']}" if at and cost["formula"] else ""
    yield "MACs", plain(f"{macs}{f' at {at}' if at else ''}{formula}")
    if cost["flops"] is not None:
        yield "FLOPs", f"{cost['flops']:,}, two a multiply-accumulate"
    if cost["unknown"]:
        parts = ", ".join(f"{count} {name}" for name, count in cost["unknown"].items())
        yield "not counted", plain(parts)
    if cost["loops_counted_once"]:
        yield "", f"{cost['loops_counted_once']} loops of unknown length, counted for one turn"
    yield "claimed on", ", ".join(found["platforms"]["everything_on"]) or "no platform as a whole"
    for name, places in found["platforms"]["lacking"].items():
        yield "", f"{name} not on {', '.join(places)}"


def operators(found: "Inspection") -> "Table":
    """Return the operators, those that are not supported first."""
    from rich.text import Text

    made = table("operators", "operator", "", "nodes", "MACs", left=2)
    for item in found["operators"]:
        macs = found["cost"]["by_operator"].get(item["name"])
        told = [*item["reasons"], *(["like " + ", ".join(item["near"])] if item["near"] else [])]
        state = f"{item['unsupported']} not supported: {'; '.join(told)}"
        made.add_row(
            Text(plain(item["name"])),
            Text(plain(state), style="red") if item["unsupported"] else Text(""),
            f"{item['nodes']:,}",
            f"{macs:,}" if macs else "",
        )
    return made


def modules(found: "Inspection", depth: int) -> "Table":
    """Return the modules down to a depth, with what is inside each."""
    from rich.text import Text

    made = table("modules", "module", "class", "parameters", "MACs", left=2)
    shown = [item for item in found["modules"] if level(item) <= depth]
    for item in shown[:ROWS]:
        name = item["path"].rpartition(".")[2] or found["file"]["name"]
        made.add_row(
            Text("  " * level(item) + name),
            Text(item["class_name"]),
            f"{item['parameters']:,}" if item["parameters"] else "",
            f"{item['macs']:,}" if item["macs"] else "",
        )
    if shown[ROWS:]:
        made.add_row(Text(f"and {len(shown) - ROWS} more"), Text(""), "", "")
    return made


def level(item: "ModuleCost") -> int:
    """Return how many modules are around one."""
    return item["path"].count(".") + 1 if item["path"] else 0


def plain(text: str) -> str:
    """Return text of the model on one line, of bounded length."""
    return quoted(text, 400)[1:-1]


def megabytes(size: int) -> str:
    """Return a size for people."""
    return f"{size / 1e6:,.1f} MB"
