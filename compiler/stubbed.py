"""What can be proved of a network in which some operators are still to be written."""

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import onnx_ir as ir

from ..emitters.base import Emission, Stub
from .clock import Clock
from .compile import Compiled, arrays, compile_model
from .importer.load import load_model
from .ir.graph import Array, bodies, is_constant
from .ir.provenance import origins
from .settings import Settings
from .verify.inputs import inputs_of
from .verify.process import Runner
from .verify.verify import ModeResult, Verification, verify_folder

RAISES = "NotImplementedError"


def verify_before(
    compiled: Compiled, folder: Path, settings: Settings, write: Callable[[Emission, Path], None]
) -> Verification | None:
    """Prove what does not need an operator that is still to be written.

    That part is compiled as a network of its own and held against the model. The whole one is run
    as well: it must load its weights and come as far as the first of these operators.

    Args:
        compiled: The model, and the network with stubs.
        folder: Where the network is written.
        settings: What was asked for.
        write: Writes source and weights into a folder.

    Returns:
        None if nothing can be computed without them.

    Raises:
        Onnx2msError: The part cannot be compiled.
    """
    lowered, file = compiled.imported.model, compiled.imported.file
    claimed = compiled.assembly.claimed
    read = load_model(file, shapes=settings.shapes, outputs=settings.outputs, kept=claimed)
    fresh = read.model
    names = computed_before(fresh.graph, origins_of(lowered, compiled.emission.stubs))
    if not names:
        return None
    part = replace(settings, outputs=names, stub=False, dump=None, check_passes=False)
    before = compile_model(file, part, compiled.assembly, Clock())
    calls = arrays(lowered.graph, settings)
    inputs = [value.name or "" for value in inputs_of(before.imported.model.graph)]
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as scratch:
        write(before.emission, Path(scratch))
        found = verify_folder(
            Path(scratch),
            model=file,
            lowered=before.imported.model,
            inputs=[{name: call[name] for name in inputs} for call in calls],
            source_map=before.emission.source_map,
            modes=settings.modes,
            tolerance=settings.tolerance,
            meanings=before.meanings,
        )
    failure = failure_of(folder / "model.py", lowered.graph, calls[0])
    return replace(found, modes=tuple(without_lines(mode, failure) for mode in found.modes))


def origins_of(model: ir.Model, stubs: Sequence[Stub]) -> set[str]:
    """Return the nodes of the file that became operators which cannot be emitted."""
    wanted = {stub.problem.node for stub in stubs}
    nodes = [node for node in model.graph.all_nodes() if node.name in wanted]
    return {name for node in nodes for name in (node.name or "", *origins(node))}


def computed_before(graph: ir.Graph, unknown: Collection[str]) -> list[str]:
    """Return what some nodes of a graph, or those behind them, read, and outputs that they do not.

    Only what other nodes make counts, and only what is a tensor.
    """
    behind: set[ir.Value] = set()
    read: dict[ir.Value, None] = {}
    for node in graph:
        inputs = list(reads(node))
        if not behind.isdisjoint(inputs) or any(n.name in unknown for n in nodes_of(node)):
            behind.update(node.outputs)
            read.update(dict.fromkeys(inputs))
    read.update(dict.fromkeys(graph.outputs))
    return [
        value.name or ""
        for value in read
        if value not in behind
        and value.producer() is not None
        and value.graph is graph
        and not is_constant(value)
        and isinstance(value.type, ir.TensorType | None)
    ]


def nodes_of(node: ir.Node) -> Iterator[ir.Node]:
    """Yield a node and those of the graphs that it holds."""
    yield node
    for body in bodies(node):
        for inner in body:
            yield from nodes_of(inner)


def reads(node: ir.Node) -> Iterator[ir.Value]:
    """Yield what a node and those of the graphs that it holds read."""
    return (value for inner in nodes_of(node) for value in inner.inputs if value is not None)


def failure_of(module: Path, graph: ir.Graph, call: Mapping[str, Array]) -> str:
    """Return why the whole network does not come as far as an operator to be written, or nothing.

    It may also run to its end: not every branch is taken.
    """
    with Runner([[call[value.name or ""] for value in inputs_of(graph)]]) as run:
        failure = run.start(module, "pynative").wait().failure
    return "" if RAISES in failure else failure


def without_lines(mode: ModeResult, failure: str) -> ModeResult:
    """Return what was found in a mode, without the lines of a source that is not kept.

    Args:
        mode: What was found of the part.
        failure: Why the whole network fails before its time.
    """
    first = mode.first_divergence
    told = mode.failure or (f"with its stubs: {failure}" if failure else "")
    return replace(
        mode,
        failure=told.partition(" (model.py, line")[0],
        first_divergence=None if first is None else replace(first, line=0, text=""),
    )
