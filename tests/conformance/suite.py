"""The cases of the installed onnx package, written into a folder once, so that workers start fast.

A case is `<id>/model.onnx`, an `.npz` for each of its data sets, and its line in `index.json`.
"""

import json
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
from onnx import numpy_helper
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests

DATA = Path(onnx.backend.test.__file__).parent / "data"
KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator", "real")
PLAIN = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13))
"""Element types of core cases: real numbers of 16 to 64 bits but bfloat16, integers, booleans."""

RANDOM = frozenset(f"Random{kind}" for kind in ("Normal", "NormalLike", "Uniform", "UniformLike"))

DataSet = tuple[list[np.ndarray], list[np.ndarray]]


@dataclass(frozen=True)
class Case:
    """One case of the suite.

    Attributes:
        id: Kind and name, `node__test_abs`.
        group: `core`, or what sets it apart: strings, sequences, training, random, types.
        rtol: Relative tolerance by which the suite judges it.
        atol: Absolute tolerance.
        operators: What its model consists of.
        sets: Number of its data sets.
    """

    id: str
    group: str
    rtol: float
    atol: float
    operators: list[str]
    sets: int


def cases(folder: Path) -> list[Case]:
    """Return all cases, written into a folder unless they are there."""
    index = folder / "index.json"
    if not index.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, about the cases' own overflows
            written = [write(case, kind, folder) for kind, case in read()]
        index.write_text(json.dumps([asdict(case) for case in written]))
    return [Case(**item) for item in json.loads(index.read_text())]


def read() -> Iterator[tuple[str, TestCase]]:
    """Yield the kind and the definition of every case, sorted by name within a kind."""
    for kind in KINDS:
        for case in sorted(load_model_tests(kind=kind), key=lambda case: case.name):
            yield kind, case


def write(case: TestCase, kind: str, folder: Path) -> Case:
    """Write a case into a folder of its own; of those that are not core only the index tells."""
    model = onnx.load(model_file(case)) if case.model is None else case.model
    name, group = f"{kind}__{case.name}", group_of(model)
    sets = list(data_sets(case, model)) if group == "core" else []
    if group == "core":
        (folder / name).mkdir()
        onnx.save(model, folder / name / "model.onnx")
        for i, (inputs, outputs) in enumerate(sets):
            arrays = {f"input_{j}": array for j, array in enumerate(inputs)}
            arrays |= {f"output_{j}": array for j, array in enumerate(outputs)}
            np.savez(folder / name / f"{i}.npz", **arrays)
    operators = sorted({node.op_type for node in nodes_of(model)})
    return Case(name, group, case.rtol, case.atol, operators, len(sets))


def load(case: Case, folder: Path) -> tuple[onnx.ModelProto, list[DataSet]]:
    """Return the model and the data sets of a case that was written."""
    sets: list[DataSet] = []
    for i in range(case.sets):
        with np.load(folder / case.id / f"{i}.npz") as stored:
            inputs, outputs = (
                [
                    stored[f"{role}_{j}"]
                    for j in range(len(stored.files))
                    if f"{role}_{j}" in stored.files
                ]
                for role in ("input", "output")
            )
        sets.append((inputs, outputs))
    return onnx.load(folder / case.id / "model.onnx"), sets


def model_file(case: TestCase) -> Path:
    """Return where a model lies that is no operator's: `real` ones are kept without weights."""
    if case.model_dir is not None:
        return Path(case.model_dir) / "model.onnx"
    assert case.url is not None, "a case has a model, a folder or an address"
    return DATA / "light" / case.url.rpartition("/")[2]


def data_sets(case: TestCase, model: onnx.ModelProto) -> Iterator[DataSet]:
    """Yield inputs and outputs of each data set of a core case."""
    if case.data_sets is not None:
        for inputs, outputs in case.data_sets:
            yield [array_of(value) for value in inputs], [array_of(value) for value in outputs]
    elif case.model_dir is not None:
        for folder in sorted(Path(case.model_dir).glob("test_data_set*")):
            yield stored(folder, "input"), stored(folder, "output")
    else:
        file = model_file(case)
        yield (
            [ramp(value) for value in inputs_of(model)],
            stored(file.parent, f"{file.stem}_output"),
        )


def array_of(value: object) -> np.ndarray:
    """Return what a case holds as an array."""
    return (
        numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
    )


def stored(folder: Path, role: str) -> list[np.ndarray]:
    """Return the arrays `<role>_0.pb`, `<role>_1.pb` … of a folder."""
    count = len(list(folder.glob(f"{role}_*.pb")))
    return [array_of(onnx.load_tensor(folder / f"{role}_{i}.pb")) for i in range(count)]


def ramp(value: onnx.ValueInfoProto) -> np.ndarray:
    """Return the input of a `real` case, as the suite makes it: numbers from 0 to 1."""
    shape = [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
    count = int(np.prod(shape))
    return (np.arange(count).reshape(shape) / count).astype(np.float32)


def inputs_of(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs that are no initializers."""
    constant = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constant]


def group_of(model: onnx.ModelProto) -> str:
    """Return `core`, or why a case is none."""
    nodes = list(nodes_of(model))
    values = [*model.graph.input, *model.graph.output]
    kinds = {value.type.WhichOneof("value") for value in values}
    attributes = [attribute for node in nodes for attribute in node.attribute]
    types = {value.type.tensor_type.elem_type for value in values}
    types |= {tensor.data_type for tensor in model.graph.initializer}
    types |= {a.t.data_type for a in attributes if a.HasField("t")}
    types |= {a.i for a in attributes if a.name in ("to", "dtype", "output_dtype")}
    operators = {node.op_type for node in nodes}
    sequences = any("Sequence" in name or name.startswith("Optional") for name in operators)
    questions = {
        "training": any("training" in node.domain for node in nodes),
        "strings": onnx.TensorProto.STRING in types
        or any(a.name.startswith("value_string") for a in attributes),
        "sequences": sequences
        or kinds != {"tensor_type"}
        or any(a.HasField("tp") for a in attributes),
        "ai.onnx.ml": any(node.domain == "ai.onnx.ml" for node in nodes),
        "types": bool(types - PLAIN - {0}),
        "random": bool((RANDOM | {"Multinomial", "Bernoulli"}) & operators),
    }
    return next((name for name, found in questions.items() if found), "core")


def nodes_of(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Yield all nodes, those of functions and subgraphs too."""
    waiting = [*model.graph.node, *(node for f in model.functions for node in f.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            waiting += attribute.g.node
            waiting += [inner for graph in attribute.graphs for inner in graph.node]
