"""Render `report.html`: one file, which loads nothing and runs nothing but its own script.

Names of the model reach it as text: escaped by jinja2, or in JSON that the script turns into text
nodes. The page's own policy forbids every script but those whose hash it states.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from math import isfinite

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]

from ...emitters.base import Emission, Place
from ..report import Report
from ..verify.verify import ModeResult, Verification
from .snapshot import NodeRow

SCRIPTS = ("dagre.min.js", "model.js", "graph.js", "page.js")

TABS = (
    ("overview", "Overview"),
    ("graph", "Graph"),
    ("layers", "Layers"),
    ("source", "Source"),
    ("weights", "Weights"),
    ("work", "Operators and passes"),
)

HEADLINES = {True: ("good", "proved"), False: ("bad", "not proved"), None: ("warn", "not checked")}


def page(
    report: Report,
    emission: Emission,
    verification: Verification | None,
    before: Sequence[NodeRow],
    after: Sequence[NodeRow],
    mapping: str,
) -> str:
    """Return the text of `report.html`.

    Args:
        report: What `report.json` holds.
        emission: The source, and where it computes what.
        verification: What was found; None where nobody asked for it.
        before: The graph as it was read.
        after: The graph that was emitted.
        mapping: Text of `weight_map.json`.
    """
    found = report["verification"] or {}
    results: Sequence[ModeResult] = verification.modes if verification else ()
    verdict, headline = HEADLINES[report["verified"]]
    told = " and ".join(result.mode.upper() for result in results)
    weight_map = json.loads(mapping)
    scripts = [_read(name) for name in SCRIPTS]
    style = _read("page.css")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters["figure"] = _figure  # pyright: ignore[reportUnknownMemberType]
    return environment.from_string(_read("page.html.j2")).render(
        report=report,
        style=Markup(style),
        style_hash=_hash(style),
        scripts=[Markup(script) for script in scripts],
        script_hashes=" ".join(map(_hash, scripts)),
        tabs=TABS,
        verdict=verdict,
        headline=f"{headline} in {told}" if told else headline,
        cards=_cards(report, before, after, verification),
        modes=found.get("modes", {}),
        outputs=[(result.mode, output) for result in results for output in result.outputs],
        reference=found.get("reference", ""),
        notes=report["network"]["notes"] if report["network"] else [],
        lines=_lines(emission.source),
        missing=weight_map["not in file"],
        operators=_operators(report["operators"]),
        data=_json(_data(report, emission, verification, before, after, weight_map["parameters"])),
    )


def _read(name: str) -> str:
    return (files(__package__ or "") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return a source of the Content-Security-Policy that allows this very text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _figure(number: float) -> str:
    if not isfinite(number):
        return "not equal"
    return f"{number:.1e}" if number else "0"


def _lines(source: str) -> list[Markup]:
    """Return the source's lines, highlighted."""
    formatter: HtmlFormatter[str] = HtmlFormatter(nowrap=True)
    lexer = get_lexer_by_name("python", stripnl=False, ensurenl=False)
    text: str = highlight(source, lexer, formatter)
    return [Markup(line) for line in text.rstrip("\n").split("\n")]


def _operators(counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, int, int]]:
    before, after = counts["before"], counts["after"]
    return [(name, before.get(name, 0), after.get(name, 0)) for name in sorted({*before, *after})]


def _cards(
    report: Report,
    before: Sequence[NodeRow],
    after: Sequence[NodeRow],
    verification: Verification | None,
) -> list[tuple[str, str, str]]:
    """Return the figures on top: what they are, the number, and a remark."""
    source, weights = report["source"], report["weights"]
    classes = len(source["classes"])
    cards = [
        ("nodes", f"{len(before):,} → {len(after):,}", "as read, as emitted"),
        ("lines of model.py", f"{source['lines']:,}", f"in {classes} classes"),
        ("weights", f"{weights['elements']:,}", f"{weights['bytes'] / 1e6:,.1f} MB"),
    ]
    for result in verification.modes if verification else ():
        errors = [output.error for output in result.outputs]
        seconds = sum(result.seconds.values())
        text = _figure(max(errors)) if errors else "not run"
        cards.append((f"largest error, {result.mode.upper()}", text, f"{seconds:.1f} s"))
    return cards


def _json(content: object) -> Markup:
    """Return JSON that holds no character with a meaning in HTML."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _data(
    report: Report,
    emission: Emission,
    verification: Verification | None,
    before: Sequence[NodeRow],
    after: Sequence[NodeRow],
    weights: object,
) -> dict[str, object]:
    """Return what the script reads: names stand once, in tables, and are numbers elsewhere."""
    cells = {place.value: place for place in emission.source_map}
    values, paths = _Table(), _Paths()

    def rows(graph: Iterable[NodeRow]) -> list[list[object]]:
        return [
            [
                row.name,
                row.operator,
                [values[name] for name in row.inputs],
                [values[name] for name in row.outputs],
                paths.of(row, cells),
                row.attributes,
            ]
            for row in graph
        ]

    graphs = {"before": rows(before), "after": rows(after)}  # fills the tables
    errors = {
        result.mode: {
            value: error if isfinite(error) else None for value, error in result.values.items()
        }
        for result in (verification.modes if verification else ())
        if result.values
    }
    return {
        **graphs,
        "values": list(values),
        "paths": list(paths.classes.items()),
        "root": emission.root_class,
        "inputs": [value["name"] for value in report["inputs"]],
        "outputs": [value["name"] for value in report["outputs"]],
        "tolerance": report["options"]["tolerance"],
        "errors": errors,
        "weights": weights,
        "places": [_place(place) for place in emission.source_map],
    }


def _place(place: Place) -> list[object]:
    where = [place.local, place.line, place.end_line]
    return [place.value, place.class_name, place.path, *where]


class _Table(dict[str, int]):
    """Numbers of names, in the order in which they are first asked for."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


class _Paths:
    """Numbers of module paths, with the class of each."""

    def __init__(self) -> None:
        self.classes: dict[str, str] = {"": ""}
        self._numbers = _Table({"": 0})

    def of(self, row: NodeRow, cells: Mapping[str, Place]) -> int:
        """Return the number of a node's module; where the file names none, of its cell."""
        for module in row.scope:
            self._add(module.path, module.class_name)
        if row.scope:
            return self._numbers[row.scope[-1].path]
        place = next((cells[name] for name in row.outputs if name in cells), None)
        path = "" if place is None else place.path
        self._add(path, place.class_name if place else "")
        return self._numbers[path]

    def _add(self, path: str, class_name: str) -> None:
        self.classes[path] = self.classes.get(path) or class_name
        _ = self._numbers[path]
