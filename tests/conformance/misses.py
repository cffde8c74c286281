"""The cases that are known to fail, from docs/known_misses.toml, each with its cause."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forms import FORMS

MODES = ("pynative", "graph")
FILE = Path(__file__).parents[2] / "docs" / "known_misses.toml"


@dataclass(frozen=True)
class Miss:
    """A case that fails in one form and mode.

    Attributes:
        case: Its id.
        form: As the suite has it, or another.
        mode: PYNATIVE or GRAPH.
        cause: Why.
    """

    case: str
    form: str
    mode: str
    cause: str


def known_misses() -> Iterator[Miss]:
    """Yield every miss of the list."""
    for entry in _read()["miss"]:
        for form in entry.get("forms", FORMS):
            for mode in entry.get("modes", MODES):
                for case in entry["cases"]:
                    yield Miss(f"node__test_{case}", form, mode, entry["cause"])


def unexpected(form: str, results: Mapping[str, Mapping[str, Mapping[str, object]]]) -> list[str]:
    """Return a line for each case that failed and is no known miss, or is one and passed."""
    known = {(miss.case, miss.mode) for miss in known_misses() if miss.form == form}
    lines: list[str] = []
    for mode, told in results.items():
        for case, what in told.items():
            failed = what["status"] != "pass"
            if failed == ((case, mode) in known):
                continue
            reason = what.get("reason", "passed, and is listed as a known miss")
            lines.append(f"{form} {mode} {case}: {reason}")
    return sorted(lines)


def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
