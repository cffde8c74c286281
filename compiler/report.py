"""What a conversion says about itself: `report.json`, described in docs/report.md."""

import json
import platform
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from math import prod
from types import MappingProxyType
from typing import TypedDict

import onnx_ir as ir

from .. import __version__
from ..emitters.base import Emission, Place, Weight
from ..emitters.mindspore.dtypes import NAMES
from ..passes.pipeline import PassRecord
from .clock import Clock
from .compile import Compiled
from .ir.graph import Array, operator
from .plugins.assembly import Assembly
from .settings import Settings
from .verify.inputs import inputs_of, integer_range
from .verify.original import Original
from .verify.verify import Verification

SCHEMA = 1
"""Version of the report's form; it grows when a field changes its meaning or vanishes."""

LIBRARIES = ("onnx", "onnx-ir", "onnxruntime", "mindspore", "numpy")


class Model(TypedDict):
    """The file that was converted."""

    file: str
    bytes: int
    producer: str
    exporter: str
    opset: int


class Network(TypedDict):
    """The torch.nn.Module that the file was exported from."""

    module: str
    exporter: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    trainable: bool
    frozen: list[str]
    notes: list[str]


class Options(TypedDict):
    """What was asked for."""

    shapes: dict[str, list[int | str]]
    outputs: list[str] | None
    weights: str
    verify: str
    tolerance: float
    inputs: str | None
    fold_batchnorm: bool
    stub: bool
    target: str
    skip_passes: list[str]
    only_passes: list[str]


class PluginUsed(TypedDict):
    """A plugin that the conversion was made with."""

    name: str
    version: str
    source: str


class Signature(TypedDict):
    """An input or output of the network."""

    name: str
    dtype: str
    shape: list[int | str]


class Input(Signature):
    """An input of the network, and what it was made up of."""

    values: list[int] | None
    example: list[int] | None


class PassRuns(TypedDict):
    """All runs of a pass in a stage."""

    stage: str
    name: str
    runs: int
    changes: int


class StubCell(TypedDict):
    """An operator that is still to be written."""

    operator: str
    node: str
    path: str
    reason: str
    class_name: str
    cell: str


class Source(TypedDict):
    """The generated module."""

    root_class: str
    classes: list[str]
    lines: int


class Weights(TypedDict):
    """The checkpoint."""

    file: str
    tensors: int
    elements: int
    bytes: int


class Measured(TypedDict):
    """All that differs from run to run."""

    seconds: dict[str, float]
    passes: dict[str, float]
    process_cpu_seconds: float
    process_peak_memory: int
    verification: object


class Report(TypedDict):
    """What a conversion did and found; docs/report.md says what each field means."""

    schema: int
    verified: bool | None
    versions: dict[str, str | None]
    model: Model
    network: Network | None
    options: Options
    plugins: list[PluginUsed]
    repeat: str | None
    inputs: list[Input]
    outputs: list[Signature]
    operators: dict[str, dict[str, int]]
    passes: list[PassRuns]
    unchecked_passes: list[str] | None
    stubs: list[StubCell]
    source: Source
    weights: Weights
    verification: dict[str, object] | None
    measured: Measured
    source_map: dict[str, list[object]]


@dataclass(frozen=True)
class Export:
    """What a model was exported from.

    Attributes:
        original: The network, to be compared with.
        network: What the report says of it.
    """

    original: Original
    network: Network


def report_of(
    compiled: Compiled,
    settings: Settings,
    assembly: Assembly,
    verification: Verification | None,
    repeat: str | None,
    clock: Clock,
    export: Export | None = None,
    example: Mapping[str, Array] = MappingProxyType({}),
) -> Report:
    """Return the report of a finished conversion.

    Args:
        compiled: The model and what was made of it.
        settings: What was asked for.
        assembly: What it was compiled with.
        verification: What was found; None where nobody asked for it.
        repeat: Command that does the same again.
        clock: Time of each part.
        export: What the model was exported from; None: it came as a file.
        example: The arrays of the first call that the network was proved on, by input.
    """
    imported, emission = compiled.imported, compiled.emission
    graph = imported.model.graph
    found = None if verification is None else verification.to_json()
    children = None if found is None else found.pop("measured")
    return {
        "schema": SCHEMA,
        "verified": _verified(emission, verification, settings),
        "versions": _versions(),
        "model": {
            "file": compiled.name,
            "bytes": imported.file.stat().st_size,
            "producer": imported.producer,
            "exporter": imported.exporter,
            "opset": imported.opset,
        },
        "network": None if export is None else export.network,
        "options": _options(settings),
        "plugins": [
            {"name": item.plugin.name, "version": item.plugin.version, "source": item.source}
            for item in assembly.plugins
        ],
        "repeat": repeat,
        "inputs": _inputs(graph, example),
        "outputs": signature(graph.outputs),
        "operators": {"before": imported.operators, "after": _operators(graph)},
        "passes": _passes(compiled.passes),
        "unchecked_passes": None if compiled.unchecked is None else list(compiled.unchecked),
        "stubs": _stubs(emission),
        "source": _source(emission),
        "weights": _weights(settings.weights_file, emission.weights),
        "verification": found,
        "measured": _measured(compiled.passes, children, clock),
        "source_map": _source_map(emission.source_map),
    }


def _verified(
    emission: Emission, verification: Verification | None, settings: Settings
) -> bool | None:
    """Tell whether the network computes what the model does; one with stubs does not."""
    if not settings.modes:
        return None
    return verification is not None and verification.verified and not emission.stubs


def _stubs(emission: Emission) -> list[StubCell]:
    """Return what is still to be written."""
    return [
        {
            "operator": stub.problem.operator,
            "node": stub.problem.node,
            "path": stub.problem.path,
            "reason": stub.problem.reason,
            "class_name": stub.class_name,
            "cell": stub.cell,
        }
        for stub in emission.stubs
    ]


def _versions() -> dict[str, str | None]:
    """Return the version of everything that has a part in the result; None: not installed."""
    found: dict[str, str | None] = {"onnx2ms": __version__, "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = None
    return found


def signature(values: Iterable[ir.Value]) -> list[Signature]:
    """Return name, element type and shape of a graph's inputs or outputs."""
    return [
        {
            "name": value.name or "",
            "dtype": NAMES.get(value.dtype, "unknown") if value.dtype else "unknown",
            "shape": [dim if isinstance(dim, int) else str(dim) for dim in value.shape or ()],
        }
        for value in values
    ]


def _inputs(graph: ir.Graph, example: Mapping[str, Array]) -> list[Input]:
    """Return a graph's inputs, the range of integers, and the shapes of an example."""
    inputs = inputs_of(graph)
    shapes = {name: list(array.shape) for name, array in example.items()}
    return [
        {**told, "values": integer_range(value), "example": shapes.get(told["name"])}
        for value, told in zip(inputs, signature(inputs), strict=True)
    ]


def _operators(graph: ir.Graph) -> dict[str, int]:
    """Return how many nodes of each operator a graph has, subgraphs included."""
    return dict(sorted(Counter(operator(node) for node in graph.all_nodes()).items()))


def _passes(records: Sequence[PassRecord]) -> list[PassRuns]:
    """Return how often each pass ran and what it changed, in the order of their first runs."""
    found: dict[tuple[str, str], PassRuns] = {}
    for record in records:
        fresh: PassRuns = {"stage": record.stage, "name": record.name, "runs": 0, "changes": 0}
        runs = found.setdefault((record.stage, record.name), fresh)
        runs["runs"] += 1
        runs["changes"] += record.changes
    return list(found.values())


def _weights(file: str, parameters: Sequence[Weight]) -> Weights:
    """Return number and size of the parameters, counted without reading them."""
    sizes = [prod(weight.shape) for weight in parameters]
    bits = sum(n * w.dtype.bitwidth for n, w in zip(sizes, parameters, strict=True))
    return {"file": file, "tensors": len(sizes), "elements": sum(sizes), "bytes": bits // 8}


def _options(settings: Settings) -> Options:
    """Return what was asked for."""
    return {
        "shapes": {name: list(dims) for name, dims in settings.shapes.items()},
        "outputs": None if settings.outputs is None else list(settings.outputs),
        "weights": settings.weights,
        "verify": settings.verify,
        "tolerance": settings.tolerance,
        "inputs": _given(settings),
        "fold_batchnorm": settings.fold_batchnorm,
        "stub": settings.stub,
        "target": settings.target,
        "skip_passes": list(settings.skip_passes),
        "only_passes": list(settings.only_passes),
    }


def _given(settings: Settings) -> str | None:
    """Return which arrays the network was proved on."""
    if settings.inputs_files:
        return ", ".join(map(str, settings.inputs_files))
    return "arrays" if settings.inputs else None


def _source(emission: Emission) -> Source:
    """Return the classes of a generated module in their order, and its length."""
    lines = emission.source.splitlines()
    classes = [line[6:].partition("(")[0] for line in lines if line.startswith("class ")]
    return {"root_class": emission.root_class, "classes": classes, "lines": len(lines)}


def _source_map(places: Sequence[Place]) -> dict[str, list[object]]:
    """Return where each value of the graph is computed: value to node, class, path, name, span."""
    return {
        place.value: [
            place.node,
            place.class_name,
            place.path,
            place.local,
            [place.line, place.column, place.end_line, place.end_column],
        ]
        for place in places
    }


def _measured(passes: Sequence[PassRecord], children: object, clock: Clock) -> Measured:
    """Return the numbers that differ from run to run."""
    seconds: dict[str, float] = defaultdict(float)
    for record in passes:
        seconds[record.name] += record.seconds
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": clock.seconds,
        "passes": {name: round(total, 4) for name, total in seconds.items()},
        "process_cpu_seconds": round(time.process_time(), 3),
        "process_peak_memory": peak if sys.platform == "darwin" else peak * 1024,
        "verification": children,
    }


def to_json(report: Report) -> bytes:
    """Return the text of `report.json`, a line for each value of the source map.

    File names may hold bytes that are not UTF-8; Python's escape of these is JSON's.
    """
    places = report["source_map"]
    head = _dumps({**report, "source_map": {}}, indent=1)
    rows = ",\n".join(f"  {_dumps(value)}: {_dumps(place)}" for value, place in places.items())
    text = head.removesuffix("{}\n}") + "{\n" + rows + "\n }\n}\n"
    return text.encode("utf-8", "backslashreplace")


def _dumps(content: object, indent: int | None = None) -> str:
    return json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
