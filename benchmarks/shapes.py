"""What becomes of the computation of shapes: nodes before and after, lines, CPU seconds."""

import argparse
import ast
import contextlib
import io
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import onnx
from common import DATA, table
from onnx import ModelProto, NodeProto

import onnx2ms
from onnx2ms.compiler.importer.load import load_model
from onnx2ms.compiler.ir.sizes.inference import analyse, is_open
from onnx2ms.emitters.mindspore.closures import close
from onnx2ms.emitters.mindspore.nodes import emit_nodes
from onnx2ms.passes.pipeline import run_pipeline

sys.path.insert(0, str(DATA))
import zoo  # type: ignore[import-not-found]  # the archive's own reader

HEAD = (
    "entry",
    "exporter",
    "nodes:",
    "of them shapes:",
    "onnxslim:",
    "ours:",
    "host lines:",
    "passes, CPU s:",
)

SHAPE_INPUTS = {
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "OneHot": (1,),
    "Pad": (1,),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": (2, 3),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Tile": (1,),
    "TopK": (1,),
    "Unsqueeze": (1,),
    "Squeeze": (1,),
}
"""Inputs that say how large a result is, or what is taken: no data."""


def shape_nodes(nodes: Sequence[Any], constants: Iterable[Any]) -> list[Any]:
    """Return the nodes that compute shapes and nothing else.

    They are computed of Shape, Size and constants alone, and read as a shape, or by others of
    their kind.

    Args:
        nodes: In topological order, of one graph.
        constants: The values that are known.
    """
    known = set(constants)
    made: set[Any] = set()
    found: list[Any] = []
    readers: dict[Any, list[tuple[Any, int]]] = {}
    for node in nodes:
        inputs = [value for value in _inputs(node) if value]
        for index, value in enumerate(_inputs(node)):
            readers.setdefault(value, []).append((node, index))
        if node.op_type == "Constant":
            known.update(_outputs(node))
            continue
        starts = node.op_type in ("Shape", "Size")
        if starts or (inputs and made & set(inputs) and made | known >= set(inputs)):
            made.update(_outputs(node))
            found.append(node)
    kept: list[Any] = []
    names: set[int] = set()
    for node in reversed(found):
        uses = [use for value in _outputs(node) for use in readers.get(value, [])]
        if all(id(n) in names or i in SHAPE_INPUTS.get(n.op_type, ()) for n, i in uses):
            kept.append(node)
            names.add(id(node))
    return kept[::-1]


def _inputs(node: Any) -> Sequence[Any]:
    return node.input if isinstance(node, NodeProto) else node.inputs


def _outputs(node: Any) -> Sequence[Any]:
    return node.output if isinstance(node, NodeProto) else node.outputs


def in_file(model: ModelProto) -> list[Any]:
    """Return the shape nodes of a file."""
    return shape_nodes(model.graph.node, (tensor.name for tensor in model.graph.initializer))


def by_onnxslim(model: ModelProto) -> str:
    """Return how many shape nodes onnxslim leaves, or why that is not known."""
    if find_spec("onnxslim") is None:
        return "not installed"
    import onnxslim  # type: ignore[import-not-found]

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            slim = onnxslim.slim(model)
    except Exception as error:  # whatever it says, it is its result
        return f"fails: {type(error).__name__}"
    return str(len(in_file(slim)))


def by_us(file: Path) -> tuple[int, float]:
    """Return how many shape nodes get code of tensors, and the CPU seconds of all passes."""
    graph = load_model(file).model
    before = time.process_time()
    run_pipeline(graph)
    seconds = time.process_time() - before
    close(graph.graph)
    known = analyse(graph.graph)
    codes = emit_nodes(graph.graph, "model", known if is_open(graph.graph) else None)
    nodes = list(graph.graph)
    constants = list(graph.graph.initializers.values())
    return sum(node in codes for node in shape_nodes(nodes, constants)), seconds


def host_lines(source: str) -> int:
    """Return how many lines of `construct` compute sizes: numbers of numbers, and their checks."""
    count = 0
    for method in ast.walk(ast.parse(source)):
        if isinstance(method, ast.FunctionDef) and method.name == "construct":
            count += sum(_host_lines(method))
    return count


def _host_lines(method: ast.FunctionDef) -> Iterable[int]:
    numbers = {
        argument.arg
        for argument in method.args.args
        if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "int"
    } | {"min", "max"}
    for statement in method.body:
        lines = (statement.end_lineno or statement.lineno) - statement.lineno + 1
        if isinstance(statement, ast.If) and isinstance(statement.body[0], ast.Raise):
            yield lines
        if not isinstance(statement, ast.Assign):
            continue
        names = {n.id for n in ast.walk(statement.value) if isinstance(n, ast.Name)}
        reads = "shape" in {
            n.attr for n in ast.walk(statement.value) if isinstance(n, ast.Attribute)
        }
        calls = any(
            isinstance(n, ast.Call) and not isinstance(n.func, ast.Name)
            for n in ast.walk(statement.value)
        )
        if (reads and not calls) or (names and names <= numbers):
            targets = [n.id for n in ast.walk(statement.targets[0]) if isinstance(n, ast.Name)]
            numbers.update(targets)
            yield lines


def row(entry: Any, archive: Path) -> list[str]:
    """Return the row of one network."""
    model = zoo.load(archive, entry)
    before = in_file(model)
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as name:
        file = Path(name) / "model.onnx"
        onnx.save(model, file)
        head = [entry["id"], entry["exporter"], str(len(model.graph.node)), str(len(before))]
        slim = by_onnxslim(model)
        try:
            left, seconds = by_us(file)
            source = onnx2ms.convert(file, verify="none").source
        except onnx2ms.Onnx2msError as error:
            return [*head, slim, f"not converted: {str(error).partition(chr(10))[0]}", "-", "-"]
    return [*head, slim, str(left), str(host_lines(source)), f"{seconds:.2f}"]


def deep(layers: int) -> list[str] | None:
    """Return the row of an encoder that torch's legacy exporter wrote, or None without torch."""
    if find_spec("torch") is None:
        return None
    import torch

    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    network = torch.nn.TransformerEncoder(layer, layers, enable_nested_tensor=False).eval()
    with tempfile.TemporaryDirectory(prefix="onnx2ms-") as name:
        file = Path(name) / "deep.onnx"
        axes = {"x": {0: "batch", 1: "length"}}
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the legacy exporter is one
            torch.onnx.export(
                network,
                (torch.zeros(2, 5, 16),),
                str(file),
                input_names=["x"],
                dynamic_axes=axes,
                dynamo=False,
                opset_version=17,
            )
        model = onnx.load(file)
        left, seconds = by_us(file)
        source = onnx2ms.convert(file, verify="none").source
    nodes, before = len(model.graph.node), len(in_file(model))
    counts = [str(nodes), str(before), "-", str(left), str(host_lines(source)), f"{seconds:.2f}"]
    return [f"encoder of {layers} layers", "legacy", *counts]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path, help="folder with the index and the networks")
    parser.add_argument("--ids", nargs="*", default=[], help="networks, or exporter/network")
    parser.add_argument("--exporter", help="legacy or dynamo")
    parser.add_argument("--static", action="store_true", help="those without dynamic dimensions")
    parser.add_argument("--dynamic", action="store_true", help="those with dynamic dimensions")
    parser.add_argument(
        "--deep", type=int, nargs="*", default=[], help="encoders of so many layers"
    )
    options = parser.parse_args()
    rows = [
        row(entry, options.archive)
        for entry in zoo.select(zoo.load_index(options.archive), options.ids)
        if (not options.exporter or entry["exporter"] == options.exporter)
        and not (options.static and entry["dynamic"])
        and not (options.dynamic and not entry["dynamic"])
    ]
    rows += [found for layers in options.deep if (found := deep(layers)) is not None]
    print(table(HEAD, rows))
    done = [r for r in rows if r[-1] != "-"]
    before, after = (sum(int(r[i]) for r in done) for i in (3, 5))
    print(f"\n- {len(done)} of {len(rows)} converted; {before} shape nodes before, {after} after")


if __name__ == "__main__":
    main()
