"""What is known of every operator: its form in MindSpore, versions, platforms, gradient, misses."""

import inspect
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

from ..emitters.mindspore import operators
from ..emitters.mindspore.function_source import NAMES, function_lines
from ..emitters.mindspore.gradients import WITHOUT_GRADIENT
from ..emitters.mindspore.registry import EMITTERS
from ..passes.modernize.operators import READINGS

ROOT = Path(__file__).resolve().parents[1]
MISSES = ROOT / "docs" / "known_misses.toml"
PLATFORMS = ROOT / "emitters" / "mindspore" / "platforms.json"
"""What the docstrings of MindSpore 2.10 claim of the functions that emitters name."""

API = re.compile(r"\b(?:ops|nn|mint)\.[A-Za-z]\w*")
EVERYWHERE = ("Ascend", "GPU", "CPU")


@dataclass(frozen=True)
class OperatorFacts:
    """What is known of an operator.

    Attributes:
        name: With its domain, if that is not ai.onnx.
        form: What its emitter's author wrote about it; empty where passes rewrite it.
        versions: Those that were read.
        modes: MindSpore's modes in which it runs.
        gradient: Whether MindSpore derives it.
        platforms: Those on which MindSpore claims to have every function that it may become.
        misses: How many cases of the official suite are known to fail.
    """

    name: str
    form: str
    versions: tuple[int, ...]
    modes: str
    gradient: bool
    platforms: tuple[str, ...]
    misses: int

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield titles and texts, for the table as for the terminal."""
        yield "MindSpore", self.form or "rewritten by passes"
        yield "versions", ", ".join(map(str, self.versions)) or "-"
        yield "modes", self.modes
        yield "gradient", "yes" if self.gradient else "no"
        yield "claimed on", ", ".join(self.platforms) or "-"
        yield "misses", str(self.misses) if self.misses else "none"


def operator_facts() -> Iterator[OperatorFacts]:
    """Yield what is known of all operators that are supported, by name."""
    assert operators, "importing the operators fills the table"
    misses, only_graph = known_misses(), known_misses("graph")
    for domain, name in sorted({*EMITTERS, *(("", name) for name in misses)}):
        emit = EMITTERS.get((domain, name))
        reading = None if domain else READINGS.get(name)
        missing = 0 if domain else misses[name]
        graph_lacks = bool(missing) and only_graph[name] == missing
        yield OperatorFacts(
            f"{domain}.{name}" if domain else name,
            " ".join((emit.__doc__ or "").split()) if emit is not None else "",
            () if reading is None else tuple(sorted(reading.versions)),
            "PYNATIVE" if graph_lacks else "both",
            (domain, name) not in WITHOUT_GRADIENT,
            platforms(frozenset(functions_of(emit))) if emit is not None else EVERYWHERE,
            missing,
        )


def known_misses(mode: str | None = None) -> Counter[str]:
    """Return by operator how many cases of the suite are known to fail, in any mode or only one."""
    found: Counter[str] = Counter()
    for entry in tomllib.loads(MISSES.read_text(encoding="utf-8"))["miss"]:
        if mode is None or entry.get("modes") == [mode]:
            for name in entry["operators"]:
                found[name] += len(entry["cases"])
    return found


def platforms(functions: frozenset[str]) -> tuple[str, ...]:
    """Return the platforms that MindSpore's documentation claims for every one of its functions."""
    claims = [claim for name in functions for claim in claims_of(name)]
    return tuple(name for name in EVERYWHERE if all(name in claim for claim in claims))


def claims_of(name: str) -> list[list[str]]:
    """Return what is claimed of a function, or of all that begin so, such as `nn.Conv`."""
    if name in _claims():
        return [_claims()[name]]
    return [claim for other, claim in _claims().items() if other.startswith(name)]


@cache
def _claims() -> dict[str, list[str]]:
    claims: dict[str, list[str]] = json.loads(PLATFORMS.read_text(encoding="utf-8"))
    return claims


def functions_of(emit: object) -> set[str]:
    """Return MindSpore's functions that the code of an emitter names, or the code that it calls."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting: list[object] = [emit]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        text = _text(item)
        found |= set(API.findall(text))
        for helper in set(re.findall(r"\w+", text)) & NAMES:
            found |= set(API.findall("\n".join(function_lines(helper))))
        if isinstance(item, FunctionType):
            waiting += [cell.cell_contents for cell in item.__closure__ or ()]
            waiting += item.__defaults__ or ()
            names = set(item.__code__.co_names)
            waiting += [value for name, value in item.__globals__.items() if name in names]
    return found


def _text(item: object) -> str:
    """Return the source of an operator's function, or a table; nothing of all others."""
    if isinstance(item, FunctionType):
        own = ".operators." in item.__module__ or item.__module__.endswith(".registry")
        return inspect.getsource(item) if own else ""
    return "" if isinstance(item, (type, ModuleType)) else repr(item)
