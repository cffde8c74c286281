"""Random graphs: `run.py [--count 2000] [--seed 0] [--graph-every 20]`, or `run.py FILE.onnx…`.

Each is converted, run in PYNATIVE, some in GRAPH mode too, and held against onnxruntime. A graph
that differs is written into OUT, and what is told of it beside; a file is tried again so.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import numpy as np
import onnx
import onnx.reference
import onnxruntime as ort

if TYPE_CHECKING:
    from onnx2ms import Conversion

ROOT = Path(__file__).parents[2]
CHUNK = 100
"""So many graphs a process."""

TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 2e-5}
"""Of max|a-b| / max|b|; the kernels of MindSpore's CPU are exact to about 4e-6."""

NOISE = 30.0
"""So many times as far as an output moves by changes of its inputs' last bit it may be off."""


class Skip(Exception):  # noqa: N818  no error: the reference says nothing of this graph
    """Nothing can run a graph, or it defines nothing."""


def main(arguments: list[str]) -> None:
    """Run a number of random graphs, or files."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.worker:
        work(options)
        return
    told: list[dict[str, str]] = []
    for start in range(0, 1 if options.files else options.count, CHUNK):
        log = options.out / f"{options.seed + start}.jsonl"
        log.unlink(missing_ok=True)
        words = ["--worker", "--out", str(options.out), "--graph-every", str(options.graph_every)]
        words += [
            "--seed",
            str(options.seed + start),
            "--count",
            str(min(CHUNK, options.count - start)),
        ]
        words += [str(file.resolve()) for file in options.files]
        with tempfile.TemporaryDirectory() as scratch:
            status = subprocess.run(
                [sys.executable, __file__, *words], cwd=scratch, check=False
            ).returncode
        lines = log.read_text().splitlines() if log.exists() else []
        told += [json.loads(line) for line in lines]
        if status:
            told.append({"status": "crash", "reason": f"status {status} behind graph {len(lines)}"})
        count = {name: sum(one["status"] == name for one in told) for name in ("pass", "skip")}
        print(f"{len(told)} graphs: {count}", flush=True)
    wrong = [one for one in told if one["status"] not in ("pass", "skip")]
    print(
        *(f"{one['status']} {one.get('file', '')}: {one['reason'][:300]}" for one in wrong),
        sep="\n",
    )
    sys.exit(bool(wrong))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--graph-every", type=int, default=20)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("--worker", action="store_true")
    options = parser.parse_args(arguments)
    options.out = options.out.resolve()
    return options


def work(options: argparse.Namespace) -> None:
    """Try graphs in this process."""
    warnings.simplefilter("ignore")  # NumPy's, about overflows
    models: list[onnx.ModelProto] = [onnx.load(file) for file in options.files]
    if not models:
        from graphs import graphs

        @hypothesis.seed(options.seed)
        @hypothesis.settings(
            max_examples=options.count,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=[
                hypothesis.HealthCheck.too_slow,
                hypothesis.HealthCheck.data_too_large,
                hypothesis.HealthCheck.large_base_example,
            ],
        )
        @hypothesis.given(graphs())
        def collect(model: onnx.ModelProto) -> None:
            models.append(model)

        collect()
    with (options.out / f"{options.seed}.jsonl").open("a") as log:
        for i, model in enumerate(models[: options.count]):
            every = options.graph_every
            modes = ["pynative"] + (["graph"] if options.files or i % every == 0 else [])
            told = attempt(model, modes)
            if told["status"] not in ("pass", "skip"):
                told["file"] = str(options.out / f"{options.seed}_{i}.onnx")
                onnx.save(model, told["file"])
            print(json.dumps(told), file=log, flush=True)


def attempt(model: onnx.ModelProto, modes: list[str]) -> dict[str, str]:
    """Return what became of a graph."""
    stage = "reference"
    try:
        inputs = inputs_of(model)
        expected, noise = reference(model, inputs)
        stage = "convert"
        import onnx2ms

        conversion = onnx2ms.convert(model, verify="none")
        for mode in modes:
            stage = mode
            compare(run(conversion, mode, inputs), expected, noise, tolerance_of(inputs))
    except Skip as reason:
        return {"status": "skip", "reason": str(reason)}
    except Exception as error:
        return {"status": stage, "reason": f"{type(error).__name__}: {error}"}
    return {"status": "pass", "reason": ""}


def inputs_of(model: onnx.ModelProto) -> list[np.ndarray]:
    """Return inputs, the same for the same model."""
    random = np.random.default_rng(0)
    arrays: list[np.ndarray] = []
    for value in model.graph.input:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        if dtype.kind == "f":
            arrays.append(random.standard_normal(shape).astype(dtype))
        else:
            low = -3 if dtype.kind == "i" else 0
            arrays.append(random.integers(low, 2 if dtype.kind == "b" else 5, shape).astype(dtype))
    return arrays


def reference(
    model: onnx.ModelProto, inputs: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the outputs, and how far each moves by changes of the inputs that mean nothing."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    names = [value.name for value in model.graph.input]
    try:
        session = ort.InferenceSession(model.SerializeToString(), options)
    except Exception:  # it has no kernel for some types
        session = onnx.reference.ReferenceEvaluator(model)

    def compute(arrays: list[np.ndarray]) -> list[np.ndarray]:
        try:
            feeds = dict(zip(names, arrays, strict=True))
            return [np.asarray(array) for array in session.run(None, feeds)]
        except Exception as error:
            raise Skip(f"no reference: {error}") from error

    expected = compute(inputs)
    moved = [array * array.dtype.type(1 + 2e-6) if array.dtype.kind == "f" else array
             for array in inputs]  # fmt: skip
    others = compute(moved)
    noise = []
    for one, other in zip(expected, others, strict=True):
        with contextlib.suppress(TypeError):
            unsteady = np.isfinite(one) != np.isfinite(other)
            if unsteady.any() or (one.dtype.kind != "f" and (one != other).any()):
                raise Skip("an output jumps by a change of the last bit")
        noise.append(np.abs(np.subtract(one, other, dtype=np.float64)) if one.dtype.kind == "f"
                     else np.zeros(one.shape))  # fmt: skip
    return expected, noise


def run(conversion: "Conversion", mode: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Run an emitted network."""
    import mindspore as ms

    ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
    net: Any = conversion.cell()
    outputs = net(*(ms.Tensor(array) for array in inputs))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return [output.asnumpy() for output in outputs]


def tolerance_of(inputs: list[np.ndarray]) -> float:
    """Return the tolerance of a graph: that of the coarsest type, which may be cast to another."""
    return max((TOLERANCE.get(array.dtype.name, 0) for array in inputs), default=0) or 2e-5


def compare(
    results: list[np.ndarray],
    expected: list[np.ndarray],
    noise: list[np.ndarray],
    tolerance: float,
) -> None:
    """Compare outputs: shapes, element types, NaN and infinities; numbers as far as they tell.

    Raises:
        AssertionError: They differ.
    """
    assert len(results) == len(expected), f"{len(results)} outputs, not {len(expected)}"
    for i, (result, want, moves) in enumerate(zip(results, expected, noise, strict=True)):
        assert result.shape == want.shape, f"output {i}: shape {result.shape}, not {want.shape}"
        assert result.dtype == want.dtype, f"output {i}: {result.dtype}, not {want.dtype}"
        if want.dtype.kind != "f":
            np.testing.assert_array_equal(result, want, err_msg=f"output {i}")
            continue
        finite = np.isfinite(want)
        np.testing.assert_array_equal(
            np.where(finite, 0, result), np.where(finite, 0, want), err_msg=f"output {i}"
        )
        ours, theirs = (np.where(finite, array, 0).astype(np.float64) for array in (result, want))
        allowed = tolerance * np.abs(theirs).max(initial=0)
        allowed = allowed + NOISE * np.where(finite, moves, 0) + 1e-6
        off = np.abs(ours - theirs) > allowed
        assert not off.any(), f"output {i}: {ours[off][:3]} is not {theirs[off][:3]}"


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("GLOG_v", "4")
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "SSE41")
    main(sys.argv[1:])
