"""The cases that are not core: random, sequences, strings, training, ai.onnx.ml and other types.

They are as the suite has them; what of them is a sequence is a tuple to MindSpore, what is absent
is None, and random numbers are held to nothing but their shapes and element types.
"""

import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from judge import judge
from misses import MODES
from ml_dtypes import bfloat16
from onnx import numpy_helper
from onnx.backend.test.case.test_case import TestCase
from suite import group_of, model_file, read
from worker import failure, import_model

STAGES = ("pass", "judge", "run", "refused", "convert")
"""Right, wrong, does not run, refused by a message, and what must not be: a traceback."""


def count_groups(wanted: str) -> Iterator[tuple[str, str, str, str, str]]:
    """Try all cases that are not core; yield group, case, mode, stage and reason of each."""
    for _, case in read():
        model = onnx.load(model_file(case)) if case.model is None else case.model
        group = group_of(model)
        if group == "core" or not any(text in case.name for text in wanted.split(",")):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            for mode, stage, reason in try_case(case, group, model, Path(scratch)):
                yield group, case.name, mode, stage, reason


def try_case(
    case: TestCase, group: str, model: onnx.ModelProto, scratch: Path
) -> Iterator[tuple[str, str, str]]:
    """Convert a case; yield what became of it in each mode."""
    import onnx2ms

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            onnx2ms.convert(model, scratch / "net", verify="none")
    except Exception as error:
        stage = "refused" if isinstance(error, onnx2ms.Onnx2msError) else "convert"
        for mode in MODES:
            yield mode, stage, str(failure(stage, error)["reason"])
        return
    for mode in MODES:
        yield mode, *run_case(case, group, scratch / "net" / "model.py", mode)


def run_case(case: TestCase, group: str, file: Path, mode: str) -> tuple[str, str]:
    """Run a case in a mode; return the stage at which it ended, and why."""
    import mindspore as ms

    stage = "run"
    try:
        ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
        net = import_model(file, mode).build_model()
        for inputs, outputs in case.data_sets or ():
            stage = "run"
            results = net(*(fed(value_of(value)) for value in inputs))
            want = [value_of(value) for value in outputs]
            got = told(results if len(want) > 1 else [results])
            stage = "judge"
            tolerance = np.inf if group == "random" else case.rtol
            compare(got, want, tolerance, case.atol)
    except BaseException as error:
        return stage, str(failure(stage, error)["reason"])
    return "pass", ""


def value_of(value: object) -> object:
    """Return what a case holds: an array, a list of arrays, or None."""
    match value:
        case onnx.TensorProto():
            return numpy_helper.to_array(value)
        case onnx.SequenceProto():
            return numpy_helper.to_list(value)
        case onnx.OptionalProto():
            return numpy_helper.to_optional(value)
        case list() | tuple():
            return [value_of(item) for item in value]
        case _:
            return None if value is None else np.asarray(value)


def fed(value: object) -> object:
    """Return a value as MindSpore takes it."""
    import mindspore as ms

    if isinstance(value, list):
        return tuple(fed(item) for item in value)
    return None if value is None else ms.Tensor(value)


def told(value: Any) -> Any:
    """Return what MindSpore computed as arrays."""
    if isinstance(value, list | tuple):
        return [told(item) for item in value]
    if value is None:
        return None
    narrow = str(value.dtype) == "BFloat16"  # NumPy's type of it is MindSpore's own
    return value.float().asnumpy().astype(bfloat16) if narrow else value.asnumpy()


def compare(got: Any, want: Any, rtol: float, atol: float) -> None:
    """Hold a value, or a list of them, to what the case expects.

    Raises:
        AssertionError: They differ.
    """
    if isinstance(want, Sequence):
        assert isinstance(got, Sequence)
        assert len(got) == len(want), f"{len(got)} values, not {len(want)}"
        for ours, theirs in zip(got, want, strict=True):
            compare(ours, theirs, rtol, atol)
    elif want is None:
        assert got is None
    elif rtol == np.inf:
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
    else:
        judge([got], [want], rtol, atol)


def print_groups(wanted: str) -> int:
    """Print a table of all groups and modes; return the number of tracebacks."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for group, case, mode, stage, reason in count_groups(wanted):
        counts[group, mode, stage] += 1
        if stage in ("judge", "run", "convert"):
            print(f"{group} {case} {mode} {stage}: {reason[:200]}", flush=True)
    print("\n| group | mode | right | wrong | does not run | refused | traceback | cases |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for group, mode in sorted({(group, mode) for group, mode, _ in counts}):
        found = [counts[group, mode, stage] for stage in STAGES]
        row = " | ".join(map(str, [*found, sum(found)]))
        print(f"| {group} | {mode.upper()} | {row} |")
    return sum(counts[key] for key in counts if key[2] == "convert")
