"""Rows: small models in text files, computed by onnxruntime and by what is emitted for them.

A row of `rows/*.rows` is the line of its inputs, then, indented, its nodes:

    float[2,3] x, int64[2] i = {0, -1}, float[2] p = 0.1..2, float[4,3] W; int64[1] axes = {1}
        y = Gemm <transB = 1> (x, W)
        ! name: once_wrong, no gradient, sequence, reference: onnx, opset: 18, xfail graph: why
        ! fickle graph: why it fails there now and then

Names in capitals are weights of PyTorch's, those behind the semicolon constants; elements that are
not given are random. All values that no node reads are outputs. In a sequence every node is a
module of its own.
"""

import fcntl
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import onnx.parser
import onnx.reference
import onnx_ir as ir
import onnxruntime as ort
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, NotImplemented
from safetensors.numpy import save_file

from onnx2ms.compiler.ir.provenance import KEY, Module, set_origins, set_scope
from onnx2ms.emitters.base import Emission, EmitOptions
from onnx2ms.emitters.mindspore import MindSporeEmitter
from onnx2ms.passes.pipeline import run_pipeline

HERE = Path(__file__).parent
MODES = ("pynative", "graph")
OPERAND = re.compile(
    r"(\w+)(?:\[([\d,]*)\])?\s+(\w+)\s*(?:=\s*(?:\{([^}]*)\}|(\S+)\.\.(\S+)|(spread)))?$"
)
NAME = re.compile(r"name: (\w+)")
OPSET = re.compile(r"opset: (\d+)")
FICKLE = re.compile(r"fickle (\w+): (.+)")
XFAIL = re.compile(r"xfail(?: (\w+))?: (.+)")
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = {"float": np.float32, "double": np.float64, "bool": np.bool_, "bfloat16": BFLOAT16}


@dataclass
class Operand:
    """An input, weight or constant of a row."""

    name: str
    type: str
    array: np.ndarray
    is_special: bool

    @property
    def wide(self) -> "Operand":
        """The same elements in float32, if they are of bfloat16."""
        if self.type != "bfloat16":
            return self
        return Operand(self.name, "float", self.array.astype(np.float32), self.is_special)


@dataclass
class Row:
    """One small model, with what it is computed on."""

    name: str
    inputs: list[Operand]
    weights: list[Operand]
    constants: list[Operand]
    nodes: list[str]
    flags: str = ""
    outputs: list[str] = field(default_factory=list)

    @cached_property
    def wide(self) -> "Row":
        """The same of float32 for bfloat16, of which onnxruntime has few kernels."""
        inputs, weights, constants = (
            [operand.wide for operand in each]
            for each in (self.inputs, self.weights, self.constants)
        )
        nodes = [re.sub(r"\bto = 16\b", "to = 1", node) for node in self.nodes]
        return Row(self.name, inputs, weights, constants, nodes, self.flags, self.outputs)

    @cached_property
    def proto(self) -> onnx.ModelProto:
        """The model; its outputs' types inferred."""
        signature = ", ".join(f"{o.type}{dims(o)} {o.name}" for o in self.operands)
        text = f"g ({signature}) => ({', '.join(self.outputs)}) {{ {' '.join(self.nodes)} }}"
        opset = OPSET.search(self.flags)
        header = (
            f'<ir_version: 10, opset_import: ["": {opset[1] if opset else 24}, "com.microsoft": 1]>'
        )
        model = onnx.parser.parse_model(f"{header}\n{text}")
        for operand in [*self.weights, *self.constants]:
            tensor = onnx.numpy_helper.from_array(operand.array, operand.name)
            model.graph.initializer.append(tensor)
        del model.graph.input[len(self.inputs) :]
        for i, node in enumerate(model.graph.node):
            node.name = f"node{i}"
        return onnx.shape_inference.infer_shapes(model, data_prop=True)

    @property
    def causes(self) -> dict[str, str]:
        """For each mode the reason why it must fail there."""
        found = XFAIL.search(self.flags)
        if found is None:
            return {}
        return {mode: found[2] for mode in MODES if found[1] in (None, mode)}

    @property
    def fickle(self) -> dict[str, str]:
        """For each mode the reason why it fails there now and then."""
        found = FICKLE.search(self.flags)
        return {found[1]: found[2]} if found else {}

    @cached_property
    def reference(self) -> list[np.ndarray]:
        """What onnxruntime computes, or onnx where that has no kernel; bfloat16 in float32."""
        row = self.wide if any(o.type == "bfloat16" for o in self.operands) else self
        found = row.compute([operand.array for operand in row.inputs])
        if row is self:
            return found
        types = [value.type.tensor_type.elem_type for value in self.proto.graph.output]
        # onnx 1.23 infers no element type of GroupNormalization
        narrow = (onnx.TensorProto.BFLOAT16, onnx.TensorProto.UNDEFINED)
        return [y.astype(BFLOAT16) if t in narrow else y for y, t in zip(found, types, strict=True)]

    @property
    def operands(self) -> list[Operand]:
        """All of its tensors."""
        return [*self.inputs, *self.weights, *self.constants]

    def compute(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Compute the outputs on other inputs of the same shapes."""
        feeds = {o.name: array for o, array in zip(self.inputs, arrays, strict=True)}
        return self._run(feeds)

    @cached_property
    def _run(self) -> Callable[[dict[str, np.ndarray]], list[np.ndarray]]:
        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        if "reference: onnx" not in self.flags:
            try:
                session = ort.InferenceSession(self.proto.SerializeToString(), options)
            except (NotImplemented, InvalidGraph, Fail):
                pass
            else:
                return lambda feeds: [np.asarray(y) for y in session.run(None, feeds)]
        evaluator = onnx.reference.ReferenceEvaluator(self.proto)
        return lambda feeds: [np.asarray(y) for y in evaluator.run(None, feeds)]

    @cached_property
    def cotangents(self) -> dict[int, np.ndarray]:
        """Weights of the outputs in the sum that is derived; empty if nothing is to be derived."""
        smooth = any(o.array.dtype == np.float32 for o in self.inputs) and not any(
            o.is_special for o in self.inputs
        )
        if not smooth or "no gradient" in self.flags or self.causes:
            return {}
        random = np.random.default_rng(1)
        return {
            i: random.standard_normal(y.shape, np.float32)
            for i, y in enumerate(self.reference)
            if y.dtype == np.float32
        }

    def emit(self, name: str) -> Emission:
        """Return what is emitted for it."""
        model = ir.from_proto(self.proto)
        for weight in self.weights:
            model.graph.initializers[weight.name].metadata_props[KEY] = weight.name
        for i, node in enumerate(model.graph):
            set_origins(node, [node.name or ""])
            if "sequence" in self.flags:
                set_scope(node, (Module(""), Module("net"), Module(f"net.{i}")))
        run_pipeline(model)
        return MindSporeEmitter().emit(
            model, EmitOptions("row.onnx", "", 24, f"{name}.safetensors", "0")
        )


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a file."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    for i, found in enumerate(re.finditer(r"^(\S.*)\n((?:[ ]+.*\n?)+)", text, re.MULTILINE)):
        lines = [line.strip() for line in found[2].splitlines()]
        nodes = [line for line in lines if line and not line.startswith("!")]
        flags = " ".join(line[1:].strip() for line in lines if line.startswith("!"))
        free, _, bound = found[1].partition(";")
        random = np.random.default_rng(zlib.crc32(found[0].encode()))
        operands = [read_operand(text, random) for text in split(free)]
        made = [name.strip() for node in nodes for name in node.partition("=")[0].split(",")]
        read = set(re.findall(r"\w+", " ".join(node.rpartition("(")[2] for node in nodes)))
        named = NAME.search(flags)
        words = [named[1]] if named else re.findall(r"= *([A-Z]\w+)", nodes[-1])
        yield Row(
            "_".join([path.stem, f"{i:03}", *words]),
            [o for o in operands if not o.name.isupper()],
            [o for o in operands if o.name.isupper()],
            [read_operand(text, random) for text in split(bound)],
            nodes,
            flags,
            [name for name in made if name and name not in read],
        )


def dims(operand: Operand) -> str:
    """Return the shape of an operand as ONNX text; nothing for a scalar."""
    sizes = ",".join(map(str, operand.array.shape))
    return f"[{sizes}]" if sizes else ""


def split(text: str) -> list[str]:
    """Return what stands between commas outside of brackets."""
    return [part.strip() for part in re.split(r",(?![^\[{]*[\]}])", text) if part.strip()]


def read_operand(text: str, random: np.random.Generator) -> Operand:
    """Read `float[2,3] x = {1, 2, …}`, or `= low..high`, or `= spread`."""
    found = OPERAND.match(text)
    assert found, text
    kind, sizes, name, given, low, high, spread = found.groups()
    dtype = np.dtype(DTYPES.get(kind, kind))
    shape = tuple(map(int, filter(None, (sizes or "").split(","))))
    if given is not None:
        numbers = [float(n) if dtype.kind not in "iu" else int(n) for n in given.split(",") if n]
        special = dtype.kind == "f" and not np.isfinite(numbers).all()
        return Operand(name, kind, np.array(numbers).astype(dtype).reshape(shape), special)
    if low is not None:
        elements = random.uniform(float(low), float(high), shape)
    elif spread:  # no two are near each other: where the maximum moves there is a corner
        elements = random.permutation(np.prod(shape, dtype=int)).reshape(shape) / 20 - 2
    elif dtype.kind in "biu":
        elements = random.integers(0, 2 if dtype.kind == "b" else 9, shape)
    else:  # none near 0, where many functions have a corner
        elements = random.standard_normal(shape)
        elements += np.copysign(0.02, elements)
    return Operand(name, kind, np.asarray(elements, dtype), False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every row to every test that asks for one."""
    if "row" in metafunc.fixturenames:
        rows = [row for path in sorted(HERE.glob("rows/*.rows")) for row in read_rows(path)]
        metafunc.parametrize("row", rows, ids=[row.name for row in rows])


class Runs:
    """What MindSpore computed for all rows; each mode in one process, when first asked for."""

    def __init__(self, folder: Path, rows: list[Row]) -> None:
        self.folder = folder
        self._rows = rows
        self.failures: dict[str, str] = {}

    def result(
        self, row: Row, mode: str
    ) -> tuple[dict[str, str], list[np.ndarray], list[np.ndarray]]:
        """Return what is told of a row, its outputs and their gradients."""
        self._prepare(mode)
        told = json.loads((self.folder / mode / f"{row.name}.json").read_text())
        return told, self._arrays(row, mode, ""), self._arrays(row, mode, ".gradients")

    def _arrays(self, row: Row, mode: str, kind: str) -> list[np.ndarray]:
        file = self.folder / mode / f"{row.name}{kind}.npz"
        if not file.exists():
            return []
        with np.load(file) as stored:
            return [stored[f"arr_{i}"] for i in range(len(stored.files))]

    def _prepare(self, mode: str) -> None:
        """Run a mode, unless another worker of pytest-xdist has."""
        finished = self.folder / f"{mode}.finished"
        if finished.exists():
            return
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.folder / "rows.json").exists():
                self._emit()
            if not finished.exists():
                self._run(mode)
                finished.touch()

    def _emit(self) -> None:
        emitted: list[str] = []
        for mode in MODES:
            (self.folder / mode).mkdir(exist_ok=True)
        for row in self._rows:
            try:
                emission = row.emit(row.name)
            except Exception as error:
                for mode in MODES:
                    told = json.dumps({"error": f"{type(error).__name__}: {error}"})
                    (self.folder / mode / f"{row.name}.json").write_text(told)
                continue
            (self.folder / f"{row.name}.py").write_text(emission.source)
            weights = {w.name: np.ascontiguousarray(w.read()) for w in emission.weights}
            if weights:
                save_file(weights, self.folder / f"{row.name}.safetensors")
            feeds = {f"x{i}": operand.wide.array for i, operand in enumerate(row.inputs)}
            feeds["types"] = np.array([operand.type for operand in row.inputs])
            feeds |= {f"g{i}": weight for i, weight in row.cotangents.items()}
            np.savez(self.folder / f"{row.name}.in.npz", **feeds, outputs=len(row.outputs))
            emitted.append(row.name)
        (self.folder / "rows.json").write_text(json.dumps(emitted))

    def _run(self, mode: str) -> None:
        command = [sys.executable, str(HERE / "run_rows.py"), str(self.folder), mode]
        while True:
            before = len(list((self.folder / mode).glob("*.json")))
            done = subprocess.run(
                command, cwd=self.folder, capture_output=True, text=True, check=False
            )  # a graph that does not compile is left in the current folder
            if done.returncode == 0:
                return
            after = len(list((self.folder / mode).glob("*.json")))
            assert after > before, done.stderr


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Return the results of all rows."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "popen-" in base.name else base) / "rows"
    folder.mkdir(exist_ok=True)
    rows = [row for path in sorted(HERE.glob("rows/*.rows")) for row in read_rows(path)]
    return Runs(folder, rows)
