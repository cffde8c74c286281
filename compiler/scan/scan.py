"""Scan sources: every use of PyTorch's APIs, and what it takes to move them to MindSpore."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import libcst as cst

from .places import MODULE, Place, find_places
from .sources import Source, sources
from .table import UNSUPPORTED, WORDS, Verdict


@dataclass(frozen=True)
class Scanned:
    """What was found in a source.

    Attributes:
        source: The source.
        places: Every use of an API, in the order of the text.
        problem: Why it could not be read; else empty.
    """

    source: Source
    places: Sequence[Place]
    problem: str = ""


@dataclass(frozen=True)
class Scan:
    """What was found in all sources, in the order in which they were read."""

    files: Sequence[Scanned]

    @property
    def places(self) -> list[tuple[Source, Place]]:
        """Every use of an API, with where it is."""
        return [(file.source, place) for file in self.files for place in file.places]

    def counts(self) -> Mapping[Verdict, int]:
        """Return how many uses there are of each verdict."""
        found = Counter(place.api.verdict for _, place in self.places)
        return {verdict: found[verdict] for verdict in WORDS}

    def covered(self) -> float:
        """Return the share of uses that have a counterpart; 1 if there are none."""
        counts = self.counts()
        total = sum(counts.values())
        return 1 - sum(counts[verdict] for verdict in UNSUPPORTED) / total if total else 1.0

    def networks(self) -> list[tuple[Source, Place]]:
        """Return where networks are defined: these may be exported and compiled instead."""
        return [(source, place) for source, place in self.places if place.api.torch == MODULE]


def scan(paths: Iterable[str | Path]) -> Scan:
    """Find every use of PyTorch's APIs in sources; none of them is run.

    Args:
        paths: Files (.py, .ipynb) and folders.

    Raises:
        UsageError: A path is not there, or is no source.
    """
    return Scan([_scanned(source) for source in sources([Path(path) for path in paths])])


def _scanned(source: Source) -> Scanned:
    try:
        return Scanned(source, find_places(source.text))
    except cst.ParserSyntaxError as error:
        return Scanned(source, (), f"line {error.raw_line}: it is not Python that can be parsed")
    except RecursionError:
        return Scanned(source, (), "it is nested too deeply")
