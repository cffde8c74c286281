"""Run an emitted network in MindSpore: a program of its own, started by the path of this file.

    python -P child.py JOB.json

It imports nothing of onnx2ms, so that the memory it reports is MindSpore's and the network's.
"""

import importlib
import json
import math
import re
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO, TypedDict, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .training import Trained, Training

Array = npt.NDArray[np.generic]


class Stored(TypedDict):
    """An array in a file of elements.

    Attributes:
        dtype: Name of the element type, NumPy's or ml_dtypes'.
        shape: Dimensions.
        offset: Bytes before it.
    """

    dtype: str
    shape: list[int]
    offset: int


class Job(TypedDict):
    """What to run; every path is absolute.

    Attributes:
        mode: "pynative" or "graph".
        model: The module to import.
        weights: The checkpoint to load; empty: the one that the module finds itself.
        traced: Whether the module is instrumented and returns a trace beside its outputs.
        inputs: The file with the elements of the inputs.
        stored: Where they stand in it, for each call of the network with other inputs.
        training: What to do with the network instead of calling it; its calls then hold the
            targets of the loss too.
        outputs: The file to write the elements of the outputs to.
        result: The JSON file to write, a `Result`; it is written anew at each stage.
    """

    mode: str
    model: str
    weights: str
    traced: bool
    inputs: str
    stored: list[list[Stored]]
    training: "Training | None"
    outputs: str
    result: str


class Failure(TypedDict):
    """An exception.

    Attributes:
        type: Its class.
        message: Its text.
        line: The line of the module where it came from; 0 if unknown.
    """

    type: str
    message: str
    line: int


class Traced(TypedDict):
    """A value on the way.

    Attributes:
        path: Of the cell that computed it.
        key: Of the expression that computed it; negative: it is the whole cell's output.
        array: Its number among the stored arrays.
    """

    path: str
    key: int
    array: int


class Result(TypedDict):
    """What came of a job.

    Attributes:
        stage: What it did last: "import", "build", "first call", "second call",
            "other sizes", "write", "done"; those of a training have names of their own.
        seconds: By stage.
        peak_memory: Bytes.
        types: Of what the network returned, one entry an output of each call; "Tensor" where all
            is well.
        compilations: How often GRAPH mode compiled the network.
        stored: Where the arrays stand in the file of outputs, those of the outputs first.
        trace: What the other arrays are, in the order in which they were computed.
        aliases: Paths of cells that are reached by several, to the one in `trace`.
        trained: What came of a training, if that was asked for.
        failure: The exception that ended it, if one did.
    """

    stage: str
    seconds: dict[str, float]
    peak_memory: int
    types: list[str]
    compilations: int
    stored: list[Stored]
    trace: list[Traced]
    aliases: dict[str, str]
    trained: "Trained | None"
    failure: Failure | None


def no_result() -> Result:
    """Return what is known before anything was done."""
    return {
        "stage": "",
        "seconds": {},
        "peak_memory": 0,
        "types": [],
        "compilations": 0,
        "stored": [],
        "trace": [],
        "aliases": {},
        "trained": None,
        "failure": None,
    }


class Run:
    """One run of one network.

    Attributes:
        job: What to run.
        result: What came of it so far.
        arrays: What is to be stored.
    """

    def __init__(self, job: Job) -> None:
        """Prepare to run a job."""
        self.job = job
        self.arrays: list[Array] = []
        self.result = no_result()
        self._since = time.perf_counter()

    def stage(self, name: str) -> None:
        """Note that a stage begins; if the process dies, the parent reads which one it was."""
        now, last = time.perf_counter(), self.result["stage"]
        if last:
            self.result["seconds"][last] = now - self._since
        self.result["stage"], self._since = name, now
        self.result["peak_memory"] = peak_memory()
        file = Path(self.job["result"])
        file.with_suffix(".new").write_text(json.dumps(self.result))
        file.with_suffix(".new").replace(file)  # whole, whenever the process dies

    def run(self) -> None:
        """Import, build, call twice, store."""
        try:
            self._compute()
        except Exception as error:
            self.result["failure"] = failure_of(error, self.job["model"])
            if self.job["traced"]:
                self._keep_trace(partial_trace(error))
        last = self.result["stage"]
        self.stage("write")
        with Path(self.job["outputs"]).open("wb") as file:
            self.result["stored"] = store(file, self.arrays)
        self.stage(last if self.result["failure"] else "done")

    def _compute(self) -> None:
        job = self.job
        self.stage("import")
        ms = importlib.import_module("mindspore")
        ms.set_context(mode=ms.GRAPH_MODE if job["mode"] == "graph" else ms.PYNATIVE_MODE)
        ms.set_device("CPU")
        if job["mode"] == "pynative":
            ms.runtime.launch_blocking()  # else an exception names no line of the module
        self.stage("build")
        module = import_file(Path(job["model"]))
        if job["training"]:
            self._train(module, job["training"])
            return
        net = module.build_model(*([job["weights"]] if job["weights"] else []))
        if job["traced"]:
            self.result["aliases"] = prepare(net, module, ms.nn)
        calls = [
            [ms.Tensor(read_array(Path(job["inputs"]), stored)) for stored in call]
            for call in job["stored"]
        ]
        if job["mode"] == "graph" and not job["traced"] and hasattr(module, "dynamic_inputs"):
            net.set_inputs(*module.dynamic_inputs())
        inputs, *others = calls
        self.stage("first call")
        returned = net(*inputs)
        if job["traced"]:
            returned, trace = returned
            self._keep_outputs(returned)
            self._keep_trace(flattened(trace))
            return
        self._keep_outputs(returned)
        self.stage("second call")
        for output in outputs_of(net(*inputs)):
            as_array(output)
        for other in others:
            self.stage("other sizes")
            self._keep_outputs(net(*other))
        self.result["compilations"] = len(net.compile_cache) if job["mode"] == "graph" else 0

    def _train(self, module: ModuleType, told: "Training") -> None:
        def keep(array: Array) -> int:
            self.arrays.append(array)
            return len(self.arrays) - 1

        trainer = import_file(Path(__file__).with_name("trainer.py"), "onnx2ms_trainer")
        batches = [
            [read_array(Path(self.job["inputs"]), stored) for stored in call]
            for call in self.job["stored"]
        ]
        self.result["trained"] = trainer.Trainer(module.build_model, batches, told, keep).run(
            self.stage
        )

    def _keep_outputs(self, returned: object) -> None:
        for output in outputs_of(returned):
            tensor = hasattr(output, "asnumpy")
            self.result["types"].append("Tensor" if tensor else type(output).__name__)
            array = as_array(output)
            self.arrays.append(np.zeros(0) if array is None else array)

    def _keep_trace(self, entries: Iterator[tuple[str, int, object]]) -> None:
        for path, key, value in entries:
            array = as_array(value)
            if array is not None:
                self.result["trace"].append({"path": path, "key": key, "array": len(self.arrays)})
                self.arrays.append(array)


def store(file: BinaryIO, arrays: Sequence[Array]) -> list[Stored]:
    """Write the elements of arrays to a file and return where they stand.

    Unlike an .npz file it can hold bfloat16, and any of them is read without the others.
    """
    places: list[Stored] = []
    for array in arrays:
        places.append(
            {"dtype": array.dtype.name, "shape": list(array.shape), "offset": file.tell()}
        )
        file.write(array.tobytes())
    return places


def read_array(file: Path, stored: Stored) -> Array:
    """Read one array of a file of elements."""
    try:
        dtype = np.dtype(stored["dtype"])
    except TypeError:
        dtype = np.dtype(getattr(importlib.import_module("ml_dtypes"), stored["dtype"]))
    size = math.prod(stored["shape"])
    return np.fromfile(file, dtype, size, offset=stored["offset"]).reshape(stored["shape"])


def import_file(path: Path, name: str = "model") -> ModuleType:
    """Import a module by its path, as a user's program would."""
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def prepare(net: object, module: ModuleType, nn: Any) -> dict[str, str]:
    """Tell every cell its path and whether it returns a trace; return the other paths of cells."""
    first: dict[int, str] = {}
    aliases: dict[str, str] = {}

    def visit(cell: Any, path: str) -> None:
        aliases[path] = first.setdefault(id(cell), path)
        ours = cell.__class__.__module__ == module.__name__
        if cell.__class__.construct is nn.SequentialCell.construct:
            cell.__class__, ours = module.Onnx2msSequential, True
        if aliases[path] == path:
            cell.onnx2ms_path, cell.onnx2ms_traced = path, ours
        if ours or isinstance(cell, (nn.CellList, nn.CellDict)):
            for name, child in cell.name_cells().items():
                visit(child, f"{path}.{name}" if path else name)

    visit(net, "")
    return {path: other for path, other in aliases.items() if path != other}


def flattened(trace: object) -> Iterator[tuple[str, int, object]]:
    """Yield the (path, key, value) of a trace, in which those of a call are a trace again."""
    parts = members(trace) or []
    if len(parts) == 3 and isinstance(parts[0], str) and isinstance(parts[1], int):
        yield parts[0], parts[1], parts[2]
        return
    for part in parts:
        yield from flattened(part)


def partial_trace(error: BaseException) -> Iterator[tuple[str, int, object]]:
    """Yield what was traced before an exception, from the frames that it passed through."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        yield from flattened(frame.f_locals.get("onnx2ms_trace", ()))


def members(value: object) -> list[object] | None:
    """Return what a tuple or list holds; None for anything else."""
    return list(cast("list[object]", value)) if isinstance(value, (tuple, list)) else None


def outputs_of(returned: object) -> list[object]:
    """Return the outputs of a network: it returns a single one bare."""
    several = members(returned)
    return [returned] if several is None else several


def as_array(value: object) -> Array | None:
    """Return a tensor, or numbers known at compile time, as an array; None for anything else."""
    to_numpy: Callable[[], Array] | None = getattr(value, "asnumpy", None)
    if to_numpy is not None:
        return to_numpy()
    numbers = outputs_of(value)
    if numbers and all(isinstance(number, (bool, int, float)) for number in numbers):
        return np.asarray(value)
    return None


def failure_of(error: Exception, model: str) -> Failure:
    """Describe an exception; in GRAPH mode only its text tells the line."""
    text = str(error)
    lines = [
        frame.lineno or 0
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == model
    ]
    lines += [int(n) for n in re.findall(rf"In file {re.escape(model)}:(\d+)", text)]
    if isinstance(error, SyntaxError) and error.filename == model:
        lines.append(error.lineno or 0)
    return {"type": type(error).__name__, "message": text, "line": lines[-1] if lines else 0}


def peak_memory() -> int:
    """Return the most memory this process had, in bytes."""
    try:
        # ru_maxrss begins with the peak of the process that started this one.
        status = Path("/proc/self/status").read_text()
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) * 1024
    except (OSError, IndexError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    Run(json.loads(Path(sys.argv[1]).read_text())).run()
