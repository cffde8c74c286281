"""What the model itself computes: the outputs to reach, their noise, and every value between."""

import math
import mmap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir

from ..importer.wire import skeleton
from ..ir.errors import PluginError, quoted
from ..ir.graph import Array, shape_of
from ..ir.isolated import TooLongError
from ..ir.meanings import Meanings, undefined
from .compare import difference, is_float
from .engines import Source, run_evaluator, run_onnxruntime
from .kernels import FAST, rounds, with_kernel_errors

LAST_BITS = 3
"""How often the inputs are changed in their last bit."""

ROUNDINGS = 8
"""How often a model that rounds is run with other errors: few of them move a value over a half."""

CHUNK = 512 * 2**20
"""Bytes of values that are asked for in one run."""


@dataclass(frozen=True)
class Reference:
    """What a model computes.

    Attributes:
        engine: Which engine ran it, with its version; empty where none could.
        outputs: By name, in the order asked for.
        problem: Why an engine could not run it; empty where the first one did.
    """

    engine: str
    outputs: Mapping[str, Array] = field(repr=False)
    problem: str = ""


def source_of(model: Path, outputs: Sequence[str] = (), meanings: Meanings | None = None) -> Source:
    """Return a model file ready to run, its weights left where they are.

    Args:
        model: The file.
        outputs: All that will be asked of it; what they do not need is taken out.
        meanings: What operators compute that no engine knows.
    """
    file = model.absolute()
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as data:
        proto = onnx.ModelProto.FromString(skeleton(data, file.name))
    made = {name for node in proto.graph.node for name in node.output}
    if outputs and made.issuperset(outputs):
        keep_needed(proto.graph, outputs)
    return Source(proto, file.parent, meanings or {})


def keep_needed(graph: onnx.GraphProto, outputs: Sequence[str]) -> None:
    """Take out of a graph the nodes and inputs that some of its values do not need."""
    own = {value.name: value for value in graph.output}
    needed = set(outputs)
    nodes: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if not needed.isdisjoint(node.output):
            nodes.append(node)
            needed.update(_read(node))
    inputs = [value for value in graph.input if value.name in needed]
    result = [own.get(name, onnx.ValueInfoProto(name=name)) for name in outputs]
    kept = onnx.GraphProto(node=nodes[::-1], input=inputs, output=result)
    for name in ("node", "input", "output"):
        graph.ClearField(name)
    graph.MergeFrom(kept)


def _read(node: onnx.NodeProto) -> Iterator[str]:
    """Yield what a node reads, in graphs that it holds too."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            yield from (value.name for value in graph.output)
            for inner in graph.node:
                yield from _read(inner)


def run_reference(source: Source, inputs: Mapping[str, Array], outputs: Sequence[str]) -> Reference:
    """Run a model without optimisation, in onnxruntime or, where that cannot, onnx.reference.

    Args:
        source: The model as it was given to us.
        inputs: One array an input.
        outputs: Names of values, not only of its outputs.

    Raises:
        PluginError: What a plugin says of its operators fails.
    """
    unknown = undefined(source.proto, source.meanings)
    if unknown:
        names = ", ".join(unknown)
        lacking = f"{names}: neither a FunctionProto nor a NumPy reference says what it computes"
        return Reference("", {}, quoted(lacking, 300)[1:-1])
    problems: list[str] = []
    for package, run in (("onnxruntime", run_onnxruntime), ("onnx.reference", run_evaluator)):
        engine = f"{package} {version(package.partition('.')[0])}{_beside(source)}"
        try:
            return Reference(engine, run(source, inputs, outputs), "; ".join(problems))
        except PluginError:
            raise
        except Exception as error:
            problems.append(f"{engine}: {first_line(error)}")
            if isinstance(error, TooLongError):
                break  # the other one is slower
    return Reference("", {}, "; ".join(problems))


def _beside(source: Source) -> str:
    """Return who says what some operators compute."""
    plugins = sorted({meaning.origin for meaning in source.foreign.values() if meaning.origin})
    return f" and plugin {', '.join(plugins)}" if plugins else ""


def noise(
    source: Source, inputs: Mapping[str, Array], expected: Mapping[str, Array]
) -> dict[str, float]:
    """Return how far the reference's outputs move by changes that mean nothing.

    It is optimised; its float inputs are changed in their last bit; its operators are as inexact
    as MindSpore's kernels, and what they round to integers is off by some last places. The largest
    of these movements counts; where values are rounded, half of the middle one of several of that
    kind, for an error is one more of these, and no larger than they are.

    Args:
        source: The model.
        inputs: One array an input.
        expected: What it computes without optimisation, by name.

    Returns:
        max|a-b| / max|b| of each; 0 where they are not floats or nothing could be measured.
    """
    rng, run = np.random.default_rng(0), partial(run_onnxruntime, outputs=list(expected))
    speeds = np.linspace(FAST, 2 * FAST, ROUNDINGS if rounds(source) else 1)
    kinds: list[Sequence[Callable[[], Mapping[str, Array]]]] = [
        [lambda: run(source, inputs, optimized=True)],
        [partial(_run_inexactly, run, source, inputs, float(fast)) for fast in speeds],
    ]
    kinds += [[lambda: run(source, _in_last_bit(inputs, rng))]] * LAST_BITS
    found = dict.fromkeys(expected, 0.0)
    for changes in kinds:
        moved = [_movements(change, expected) for change in changes]
        for name in expected:
            errors = sorted(errors[name] for errors in moved if name in errors)
            middle = errors[len(errors) // 2] if errors else 0.0
            found[name] = max(found[name], middle / 2 if len(changes) > 1 else middle)
    return found


def _run_inexactly(
    run: Callable[[Source, Mapping[str, Array]], Mapping[str, Array]],
    source: Source,
    inputs: Mapping[str, Array],
    fast: float,
) -> Mapping[str, Array]:
    return run(with_kernel_errors(source, fast), inputs)


def _movements(
    change: Callable[[], Mapping[str, Array]], expected: Mapping[str, Array]
) -> dict[str, float]:
    """Return how far each output of floats moves by a change; nothing if that cannot be run."""
    try:
        changed = change()
    except Exception:
        return {}  # without a measurement nothing is forgiven
    apart = {name: difference(changed[name], array) for name, array in expected.items()}
    return {
        name: apart[name].error
        for name, array in expected.items()
        if not apart[name].problem and is_float(array.dtype)
    }


def _in_last_bit(inputs: Mapping[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """Return inputs whose float32 and float64 elements are the next ones above or below."""
    return {
        name: np.nextafter(array, rng.choice((-np.inf, np.inf), array.shape).astype(array.dtype))
        if array.dtype.name in ("float32", "float64")
        else array
        for name, array in inputs.items()
    }


def intermediates(
    model: ir.Model,
    folder: Path,
    inputs: Mapping[str, Array],
    names: Sequence[str],
    meanings: Meanings | None = None,
) -> Iterator[tuple[str, Array]]:
    """Yield values of a graph, computed without optimisation, some at a time.

    Args:
        model: Any valid graph; weights that stand in files are not copied.
        folder: Where these files are.
        inputs: One array an input.
        names: Outputs of its nodes.
        meanings: What operators compute that no engine knows.

    Yields:
        Names and values, in the order of `names`.

    Raises:
        Exception: Whatever onnxruntime raises.
    """
    source = Source(ir.to_proto(model), folder, meanings or {})
    sizes = {value.name: _bytes(value) for node in model.graph for value in node.outputs}
    chunk: list[str] = []
    for name in names:
        if chunk and sum(sizes.get(n, 0) for n in (*chunk, name)) > CHUNK:
            yield from run_onnxruntime(source, inputs, chunk).items()
            chunk = []
        chunk.append(name)
    if chunk:
        yield from run_onnxruntime(source, inputs, chunk).items()


def _bytes(value: ir.Value) -> int:
    shape, dtype = shape_of(value), value.dtype
    if shape is None or dtype is None:
        return 2**20
    return math.prod(shape) * dtype.bitwidth // 8


def first_line(error: Exception) -> str:
    """Return class and first line of an exception, printable and of bounded length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return quoted(f"{type(error).__name__}: {lines[0] if lines else ''}", 300)[1:-1]
