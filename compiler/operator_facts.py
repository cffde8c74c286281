"""What is known of every operator: its form in MindSpore, versions, platforms, gradient, misses."""

import inspect
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType

from ..emitters.mindspore.function_source import HELPERS, Helper
from ..emitters.mindspore.gradients import WITHOUT_GRADIENT
from ..emitters.mindspore.operators import EMITTERS
from ..emitters.mindspore.registry import Emitters, OperatorEmitter
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
        origin: The plugin that emits it; empty: onnx2ms itself.
    """

    name: str
    form: str
    versions: tuple[int, ...]
    modes: str
    gradient: bool
    platforms: tuple[str, ...]
    misses: int
    origin: str = ""

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield titles and texts, for the table as for the terminal."""
        yield "MindSpore", self.form or "rewritten by passes"
        yield "versions", ", ".join(map(str, self.versions)) or "-"
        yield "modes", self.modes
        yield "gradient", "yes" if self.gradient else "no"
        yield "claimed on", ", ".join(self.platforms) or "-"
        yield "misses", str(self.misses) if self.misses else "none"
        if self.origin:
            yield "plugin", self.origin


def operator_facts(
    emitters: Emitters = EMITTERS, helpers: Mapping[str, Helper] = HELPERS
) -> Iterator[OperatorFacts]:
    """Yield what is known of all operators that are supported, by name.

    Args:
        emitters: What emits them.
        helpers: The functions that their code may call.
    """
    misses, only_graph = known_misses(), known_misses("graph")
    for domain, name in sorted({*emitters, *(("", name) for name in misses)}):
        found = emitters.get((domain, name))
        origin = "" if found is None else found.origin
        reading = None if domain else READINGS.get(name)
        versions = reading.versions if reading else found.versions if found and domain else ()
        missing = 0 if domain or origin else misses[name]
        graph_lacks = bool(missing) and only_graph[name] == missing
        yield OperatorFacts(
            f"{domain}.{name}" if domain else name,
            "" if found is None else found.doc,
            tuple(sorted(versions)),
            "PYNATIVE" if graph_lacks else "both",
            (domain, name) not in WITHOUT_GRADIENT
            if found is None or not origin
            else found.gradient,
            EVERYWHERE if found is None else platforms(frozenset(functions_of(found, helpers))),
            missing,
            origin,
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


def functions_of(emitter: OperatorEmitter, helpers: Mapping[str, Helper] = HELPERS) -> set[str]:
    """Return MindSpore's functions that the code of an emitter names, or the code that it calls."""
    own = emitter.emit.__module__
    found: set[str] = set()
    seen: set[int] = set()
    waiting: list[object] = [emitter.emit]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        text = _text(item, own)
        found |= set(API.findall(text))
        for helper in set(re.findall(r"\w+", text)) & set(helpers):
            found |= set(API.findall("\n".join(helpers[helper].lines)))
        if isinstance(item, FunctionType):
            waiting += [cell.cell_contents for cell in item.__closure__ or ()]
            waiting += item.__defaults__ or ()
            names = set(item.__code__.co_names)
            globals_ = [value for name, value in item.__globals__.items() if name in names]
            waiting += [v.emit if isinstance(v, OperatorEmitter) else v for v in globals_]
    return found


def _text(item: object, module: str) -> str:
    """Return the source of a function of a module or of our operators, or a table; else nothing."""
    if isinstance(item, FunctionType):
        ours = ".operators." in item.__module__ or item.__module__.endswith(".registry")
        return inspect.getsource(item) if ours or item.__module__ == module else ""
    skipped = (type, ModuleType, frozenset)  # a set of names is no table of functions
    return "" if isinstance(item, skipped) else repr(item)
