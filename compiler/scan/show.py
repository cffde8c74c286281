"""What a scan found, for people and for programs: text, JSON, SARIF and a page."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from ... import __version__
from ..ir.errors import count, quoted
from .places import Place
from .scan import Scan
from .sources import Source
from .table import UNSUPPORTED, WORDS, Api, Verdict

SCHEMA = 1
"""Version of the JSON's form; it grows when a field changes its meaning or vanishes."""

HARD: Sequence[Verdict] = ("none", "unknown", "differs", "defaults", "same")
"""The verdicts, the hardest first."""

LEVELS: Mapping[Verdict, str] = {
    "none": "error",
    "unknown": "error",
    "differs": "warning",
    "defaults": "warning",
    "same": "note",
}
"""SARIF's levels."""


def by_api(scan: Scan) -> list[tuple[Api, list[tuple[Source, Place]]]]:
    """Return all uses by API, the hardest first, then the most frequent."""
    found: defaultdict[str, list[tuple[Source, Place]]] = defaultdict(list)
    for source, place in scan.places:
        found[place.api.torch].append((source, place))
    groups = [(uses[0][1].api, uses) for uses in found.values()]
    return sorted(groups, key=lambda g: (HARD.index(g[0].verdict), -len(g[1]), g[0].torch))


def where(source: Source, place: Place) -> str:
    """Return where a use is, as editors read it."""
    cell = f"[{source.cell}]" if source.cell else ""
    return f"{quoted(str(source.path), 4096)[1:-1]}{cell}:{place.line}:{place.column + 1}"


def told(api: Api) -> str:
    """Return in words what stands for an API."""
    target = f"mindspore.{api.mindspore}" if api.mindspore else "-"
    return f"{target}: {api.note}" if api.note else target


def summary(scan: Scan) -> Iterator[str]:
    """Yield lines that sum up a scan."""
    counts = scan.counts()
    total = sum(counts.values())
    read = len({file.source.path for file in scan.files})
    used = f"{count(total, 'use')} of PyTorch in {count(read, 'file')}"
    yield f"{used}, {scan.covered():.1%} with a counterpart"
    for verdict, number in counts.items():
        if number:
            yield f"  {number:6}  {WORDS[verdict]}"
    if networks := scan.networks():
        yield (
            f"{count(len(networks), 'network')} (torch.nn.Module): rather than to rewrite them,"
            " export and compile them with `onnx2ms torch package.module:factory`"
        )


def text(scan: Scan, *, verbose: bool = False) -> Iterator[str]:
    """Yield a scan as lines: the hard ones first, with their places, then the summary.

    Args:
        scan: What was found.
        verbose: Whether what is the same is listed too, and every place.
    """
    for file in scan.files:
        if file.problem:
            yield f"{quoted(str(file.source.path), 4096)[1:-1]}: {file.problem}"
    for api, uses in by_api(scan):
        if api.verdict == "same" and not verbose:
            continue
        yield f"{api.torch}  {WORDS[api.verdict]}  ({len(uses)})"
        yield f"    {told(api)}"
        shown = uses if verbose else uses[:3]
        for source, place in shown:
            yield f"    at {where(source, place)}"
        if len(uses) > len(shown):
            yield f"    and {len(uses) - len(shown)} more"
    yield from summary(scan)


def to_json(scan: Scan) -> str:
    """Return a scan as JSON: `schema`, `summary`, `places`, `unread`."""
    summed: dict[str, float] = {"covered": round(scan.covered(), 4)}
    for verdict, number in scan.counts().items():
        summed[verdict] = number
    content = {
        "schema": SCHEMA,
        "summary": summed,
        "places": [
            {
                "file": str(source.path),
                **({"cell": source.cell} if source.cell else {}),
                "line": place.line,
                "column": place.column,
                "end_line": place.end_line,
                "end_column": place.end_column,
                "torch": place.api.torch,
                "mindspore": place.api.mindspore or None,
                "verdict": place.api.verdict,
                "measured": place.api.measured,
                "platforms": list(place.api.platforms),
                "note": place.api.note,
            }
            for source, place in scan.places
        ],
        "unread": {str(f.source.path): f.problem for f in scan.files if f.problem},
    }
    return json.dumps(content, indent=1) + "\n"


def to_sarif(scan: Scan) -> str:
    """Return a scan as SARIF 2.1.0, the form that code hosts show beside the lines."""
    apis = {api.torch: api for api, _ in by_api(scan)}
    results = [
        {
            "ruleId": place.api.torch,
            "level": LEVELS[place.api.verdict],
            "message": {"text": f"{WORDS[place.api.verdict]}: {told(place.api)}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": Path(source.path).as_posix()},
                        "region": {
                            "startLine": place.line,
                            "startColumn": place.column + 1,
                            "endLine": place.end_line,
                            "endColumn": place.end_column + 1,
                        },
                    }
                }
            ],
        }
        for source, place in scan.places
    ]
    rules = [
        {"id": name, "shortDescription": {"text": f"{name}: {WORDS[api.verdict]}"}}
        for name, api in apis.items()
    ]
    driver = {"name": "onnx2ms scan", "version": __version__, "rules": rules}
    content = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(content, indent=1) + "\n"


def to_html(scan: Scan) -> str:
    """Return a scan as a page for a browser, without a script."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = (files(__package__ or "") / "page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        counts=scan.counts(),
        words=WORDS,
        covered=f"{scan.covered():.1%}",
        total=len(scan.places),
        read=len({file.source.path for file in scan.files}),
        networks=len(scan.networks()),
        groups=[
            (api, WORDS[api.verdict], told(api), [where(*use) for use in uses])
            for api, uses in by_api(scan)
        ],
        unread=[(str(file.source.path), file.problem) for file in scan.files if file.problem],
        unsupported=UNSUPPORTED,
    )
