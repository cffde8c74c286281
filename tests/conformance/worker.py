"""Converts and runs cases in one MindSpore process: `worker.py CASES FORM`.

Reads ids of cases from standard input, and tells what became of each, a line of JSON for the
conversion and for each mode, on standard output.
"""

import importlib.util
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

import onnx
from forms import FORMS
from judge import judge
from misses import MODES
from suite import Case, DataSet, cases, load


def main(folder: Path, form: str) -> None:
    """Handle cases until standard input ends."""
    tell = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what MindSpore prints must not stand between the results
    known = {case.id: case for case in cases(folder)}
    import mindspore  # noqa: F401  so that the first case does not wait for it

    print(json.dumps({"ready": True}), file=tell)
    for line in sys.stdin:
        case = known[line.strip()]
        with tempfile.TemporaryDirectory() as scratch:
            for mode, told in run(case, folder, form, Path(scratch)):
                print(json.dumps({"id": case.id, "mode": mode, **told}), file=tell)
        print(json.dumps({"done": case.id}), file=tell)


def run(case: Case, folder: Path, form: str, scratch: Path):
    """Yield for each mode what became of a case."""
    started = time.perf_counter()
    try:
        sets = convert(case, folder, form, scratch)
    except BaseException as error:
        for mode in MODES:
            yield mode, failure("convert", error)
        return
    seconds = time.perf_counter() - started
    for mode in MODES:
        started = time.perf_counter()
        told = run_mode(case, sets, scratch, mode)
        yield mode, {**told, "seconds": round(seconds + time.perf_counter() - started, 3)}


def convert(case: Case, folder: Path, form: str, scratch: Path) -> list[DataSet]:
    """Write a case, in one of its forms, as a folder with source and weights; return its data."""
    import onnx2ms

    model, sets = load(case, folder)
    sets = FORMS[form](model, sets)
    onnx.save(model, scratch / "case.onnx")
    onnx2ms.convert(scratch / "case.onnx", scratch / "net", verify="none")
    return sets


def run_mode(case: Case, sets: list[DataSet], scratch: Path, mode: str) -> dict[str, object]:
    """Build the network as a user would, run it and judge what it computes."""
    import mindspore as ms

    stage = "run"
    try:
        ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
        net = import_model(scratch / "net" / "model.py", mode).build_model()
        for inputs, expected in sets:
            stage = "run"
            outputs = net(*(ms.Tensor(array) for array in inputs))
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            results = [output.asnumpy() for output in outputs]
            stage = "judge"
            judge(results, expected, case.rtol, case.atol)
    except BaseException as error:
        return failure(stage, error)
    return {"status": "pass"}


def import_model(file: Path, mode: str) -> ModuleType:
    """Import generated source under a name of its own; GRAPH reads the file again."""
    name = f"conformance_{mode}_{file.parents[1].name}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def failure(stage: str, error: BaseException) -> dict[str, object]:
    """Return what is told of a case that failed; an interruption goes on."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    reason = " | ".join(line.strip() for line in str(error).splitlines() if line.strip())
    return {"status": "fail", "stage": stage, "error": type(error).__name__, "reason": reason[:600]}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
