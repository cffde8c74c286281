"""What the model itself computes: the outputs to reach, their noise, and every value between."""

import math
import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import onnx
import onnx_ir as ir

from ..importer.wire import skeleton
from ..ir.errors import quoted
from ..ir.graph import Array, shape_of
from .compare import difference, is_float
from .engines import Source, run_evaluator, run_onnxruntime

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


def source_of(model: Path) -> Source:
    """Return a model file ready to run, its weights left where they are."""
    file = model.absolute()
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as data:
        return Source(onnx.ModelProto.FromString(skeleton(data, file.name)), file.parent)


def run_reference(source: Source, inputs: Mapping[str, Array], outputs: Sequence[str]) -> Reference:
    """Run a model without optimisation, in onnxruntime or, where that cannot, onnx.reference.

    Args:
        source: The model as it was given to us.
        inputs: One array an input.
        outputs: Names of values, not only of its outputs.
    """
    problems: list[str] = []
    for package, run in (("onnxruntime", run_onnxruntime), ("onnx.reference", run_evaluator)):
        engine = f"{package} {version(package.partition('.')[0])}"
        try:
            return Reference(engine, run(source, inputs, outputs), "; ".join(problems))
        except Exception as error:
            problems.append(f"{engine}: {first_line(error)}")
    return Reference("", {}, "; ".join(problems))


def noise(
    source: Source, inputs: Mapping[str, Array], expected: Mapping[str, Array]
) -> dict[str, float]:
    """Return by how much the reference differs from itself once it is optimised.

    Args:
        source: The model.
        inputs: One array an input.
        expected: What it computes without optimisation, by name.

    Returns:
        max|a-b| / max|b| of each; 0 where they are not floats or onnxruntime cannot optimise.
    """
    try:
        optimized = run_onnxruntime(source, inputs, list(expected), optimized=True)
    except Exception:
        # Without a measurement nothing is forgiven.
        return dict.fromkeys(expected, 0.0)
    found: dict[str, float] = {}
    for name, array in expected.items():
        apart = difference(optimized[name], array)
        found[name] = 0.0 if apart.problem or not is_float(array.dtype) else apart.error
    return found


def intermediates(
    model: ir.Model, folder: Path, inputs: Mapping[str, Array], names: Sequence[str]
) -> Iterator[tuple[str, Array]]:
    """Yield values of a graph, computed without optimisation, some at a time.

    Args:
        model: Any valid graph; weights that stand in files are not copied.
        folder: Where these files are.
        inputs: One array an input.
        names: Outputs of its nodes.

    Yields:
        Names and values, in the order of `names`.

    Raises:
        Exception: Whatever onnxruntime raises.
    """
    source = Source(ir.to_proto(model), folder)
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
