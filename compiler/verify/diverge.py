"""The first value, in topological order, at which an emitted network leaves the model's way."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import onnx_ir as ir

from ...emitters.base import Place
from ..ir.graph import Array, operator
from ..ir.meanings import Key, Meaning, Meanings
from ..ir.provenance import path_of
from .compare import NOISE_FACTOR, Difference, difference, tolerance_of
from .engines import Source
from .instrument import Instrumented
from .process import Mode, Outcome
from .reference import intermediates, noise

SEQUENTIAL = "nn.SequentialCell"
"""What the source map gives as the class of a layer that no `construct` of ours calls."""

SUSPECTS = 32
"""How many values beyond their tolerance are held against the reference's own noise."""


@dataclass(frozen=True)
class Divergence:
    """The first value that differs from the model's.

    Attributes:
        node: Node that makes it, of the graph that was emitted.
        value: Its name.
        operator: The node's type.
        path: Dotted path of the node's PyTorch module; where the file has none, of the cell.
        error: max|a-b| / max|b|; infinite where `problem` says why.
        problem: What no tolerance forgives, as in "shape [1, 4], expected [1, 8]"; else empty.
        line: Line of the module that computes it, or constructs the cell that does; 0 if unknown.
        text: That line.
        mode: Mode in which it was found.
        unseen: Nodes before it that may be the first as well: their values could not be read.
    """

    node: str
    value: str
    operator: str
    path: str
    error: float
    problem: str
    line: int
    text: str
    mode: Mode
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """What a network ought to compute.

    Attributes:
        lowered: The graph that was emitted.
        folder: Where its weights are.
        inputs: One array an input.
        expected: The model's outputs by name.
        tolerance: That of float32.
        call: Which call of the network it is.
        meanings: What operators compute that no engine knows.
    """

    lowered: ir.Model
    folder: Path
    inputs: Mapping[str, Array]
    expected: Mapping[str, Array]
    tolerance: float
    call: int = 0
    meanings: Meanings = field(default_factory=dict[Key, Meaning])


@dataclass(frozen=True)
class Trace:
    """What an instrumented network computed.

    Attributes:
        mode: In which mode.
        outcome: What its process left behind, even if it failed half-way.
        instrumented: The source that ran.
        places: Where it computes the graph's values, in topological order.
        source: The module before it was instrumented.
    """

    mode: Mode
    outcome: Outcome
    instrumented: Instrumented
    places: Sequence[Place]
    source: str

    def observed(self) -> dict[str, tuple[int, int]]:
        """Return place and stored array of every value that was read, in topological order."""
        stored: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        for entry in self.outcome.result["trace"]:
            if entry["array"] < len(self.outcome.result["stored"]):
                stored[entry["path"], entry["key"]].append(entry["array"])
        aliases = self.outcome.result["aliases"]
        calls: defaultdict[tuple[str, int], int] = defaultdict(int)
        seen: dict[str, tuple[int, int]] = {}
        for i, (place, key) in enumerate(zip(self.places, self.instrumented.keys, strict=True)):
            where = aliases.get(place.path, place.path), key
            # A cell that is called several times computes its expressions again each time.
            call, calls[where] = calls[where], calls[where] + 1
            if call < len(stored[where]):
                seen.setdefault(place.value, (i, stored[where][call]))
        return seen


@dataclass(frozen=True)
class _Suspect:
    place: int
    value: str
    expected: Array
    apart: Difference


def first_divergence(case: Case, trace: Trace) -> Divergence | None:
    """Find the first value that differs from the model's.

    Returns:
        None if all values that could be read agree.

    Raises:
        Exception: Whatever onnxruntime raises; it cannot run the graph.
    """
    made = {value.name for node in case.lowered.graph for value in node.outputs}
    seen = {name: where for name, where in trace.observed().items() if name in made}
    suspects = _beyond_noise(case, _suspects(case, trace, seen))
    return _describe(case, trace, suspects[0], seen) if suspects else None


def where_it_failed(case: Case, trace: Trace) -> Divergence | None:
    """Find the first node that was not computed though everything it reads was.

    Returns:
        None if the network ran to its end, or there is no such node.
    """
    if not trace.outcome.failure:
        return None
    seen = trace.observed()
    places: dict[str, int] = {}
    for i, (place, key) in enumerate(zip(trace.places, trace.instrumented.keys, strict=True)):
        if key >= 0 or place.class_name == SEQUENTIAL:
            places.setdefault(place.value, i)
    missing = places.keys() - seen.keys()
    for node in case.lowered.graph:
        if any(v is not None and v.name in missing for v in node.inputs):
            continue
        name = next((v.name or "" for v in node.outputs if v.name in missing), "")
        if name:
            apart = Difference(np.inf, np.inf, f"it fails here: {trace.outcome.failure}")
            suspect = _Suspect(places[name], name, np.zeros(0), apart)
            return _describe(case, trace, suspect, seen)
    return None


def _suspects(case: Case, trace: Trace, seen: Mapping[str, tuple[int, int]]) -> Sequence[_Suspect]:
    """Return the first values that differ by more than their tolerance."""
    returned = {value.name for value in case.lowered.graph.outputs}
    found: list[_Suspect] = []
    names, meanings = list(seen), case.meanings
    for name, expected in intermediates(case.lowered, case.folder, case.inputs, names, meanings):
        place, array = seen[name]
        apart = difference(trace.outcome.array(array), expected, same_type=name in returned)
        if apart.problem or apart.error > tolerance_of(expected.dtype, case.tolerance):
            found.append(_Suspect(place, name, expected, apart))
        if apart.problem or len(found) == SUSPECTS:
            break
    return found


def _beyond_noise(case: Case, suspects: Sequence[_Suspect]) -> Sequence[_Suspect]:
    """Return those that differ by more than the reference does from itself."""
    if not suspects or suspects[0].apart.problem:
        return suspects
    source = Source(ir.to_proto(case.lowered), case.folder, case.meanings)
    own = noise(source, case.inputs, {s.value: s.expected for s in suspects})
    return [s for s in suspects if s.apart.problem or s.apart.error > NOISE_FACTOR * own[s.value]]


def _describe(
    case: Case, trace: Trace, suspect: _Suspect, seen: Mapping[str, object]
) -> Divergence:
    place, line = trace.places[suspect.place], trace.instrumented.lines[suspect.place]
    node = next(
        node
        for node in case.lowered.graph
        if any(value.name == suspect.value for value in node.outputs)
    )
    return Divergence(
        node=node.name or place.node,
        value=suspect.value,
        operator=operator(node),
        path=path_of(node) or place.path,
        error=suspect.apart.error,
        problem=suspect.apart.problem,
        line=line,
        text=trace.source.splitlines()[line - 1].strip() if line else "",
        mode=trace.mode,
        unseen=_unseen(node, seen),
    )


def _unseen(node: ir.Node, seen: Mapping[str, object], limit: int = 8) -> tuple[str, ...]:
    """Return the nodes before one whose values nobody has read, nearest first."""
    found: dict[ir.Node, None] = {}
    queue = [node]
    while queue:
        values = [value for value in queue.pop(0).inputs if value is not None]
        for producer in (v.producer() for v in values if v.name not in seen):
            if producer is not None and producer not in found:
                found[producer] = None
                queue.append(producer)
    return tuple(islice((producer.name or "" for producer in found), limit))
