"""What became of one graph: run as emitted, and held against the engines that run ONNX."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx
import onnx.reference
import onnxruntime as ort
from builder import OPSET

from onnx2ms.compiler.verify.kernels import KERNELS as FUNCTIONS
from onnx2ms.compiler.verify.kernels import Accuracy

Array = np.ndarray
Engine = Callable[[onnx.NodeProto, dict[str, np.ndarray]], list[np.ndarray]]
TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 2e-5}
"""Of max|a-b| / max|b|; the kernels of MindSpore's CPU are exact to about 4e-6."""

LAST_BIT = {"float16": 1e-3, "float32": 2e-6, "float64": 2e-6}
"""By how much inputs are moved to see what an output makes of it, relative to each."""

NOISE, INEXACT = 30.0, 4.0
"""So many times as far as an output moves, by that and by MindSpore's kernels, it may be off."""


KERNELS = {**FUNCTIONS, **dict.fromkeys(("GRU", "RNN"), FUNCTIONS["Tanh"])}

SUMS = re.compile("Att|Conv|CumSum|Det|DFT|Einsum|Gemm|Global|Grid|GRU|Loss|LSTM|MatMul|Mean|Norm"
                  "|Pool|ReduceL|ReduceM?[^aiP]|Resize|RNN|Rotary|Softmax|STFT|Sum")  # fmt: skip
"""Operators whose results are sums, which another order makes differ in the last place."""


class Skip(Exception):  # noqa: N818  no error: the reference says nothing of this graph
    """Nothing can run a graph."""


def attempt(model: onnx.ModelProto, modes: Sequence[str]) -> dict[str, Any]:
    """Return what became of a graph.

    Its `status` is "pass", "skip" (no engine runs it), "refused" (we do), "nan" (it differs where
    a NaN was handed to an operator, of which nothing is specified), "onnxruntime" (it differs
    from onnxruntime but not from onnx.reference), or the stage at which it was wrong.
    """
    told: dict[str, Any] = {
        "status": "pass",
        "reason": "",
        "operators": sorted(node.op_type for node in model.graph.node),
    }
    stage = "reference"
    try:
        inputs = inputs_of(model)
        values, noise = reference(model, inputs)
        stage = "convert"
        import onnx2ms

        conversion = onnx2ms.convert(model, verify="none")
        for stage in modes:
            results = run(conversion, stage, inputs)
            wrong = differences(model, results, values, noise)
            if wrong:
                told |= verdict(model, inputs, results, values, noise, wrong)
                told["status"] = told["status"] or stage
                break
    except Skip as reason:
        told |= {"status": "skip", "reason": str(reason)}
    except Exception as error:
        refused = stage == "convert" and type(error).__name__ == "UnsupportedError"
        reason = f"{type(error).__name__}: {error}"
        told |= {"status": "refused" if refused else stage, "reason": reason}
    return told


def inputs_of(model: onnx.ModelProto) -> list[Array]:
    """Return inputs, the same for the same model."""
    random = np.random.default_rng(0)
    arrays: list[Array] = []
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
    model: onnx.ModelProto, inputs: list[Array]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return every value of the graph, and how far off each element of it may be.

    That is infinite where the last bit of an input, or the error of a kernel of MindSpore's,
    decides about an integer, or whether there is a number at all.
    """
    values = compute(model, inputs)
    moved = [
        np.asarray(array * (1 + LAST_BIT[array.dtype.name]), array.dtype)
        if array.dtype.kind == "f"
        else array
        for array in inputs
    ]
    others = [(compute(model, moved), NOISE)]
    others += [(compute(model, inputs, signs=signs), INEXACT) for signs in (1e4, -1e4, 1.7e4)]
    noise: dict[str, Array] = {}
    for name, value in values.items():
        noise[name] = np.zeros(value.shape)
        for other, factor in others:
            far = other[name]
            if far.shape != value.shape:
                noise[name] = np.full(value.shape, np.inf)
                continue
            if value.dtype.kind == "f":
                finite = np.isfinite(value) & np.isfinite(far)
                same = finite | (np.isfinite(value) == np.isfinite(far))
                apart = np.where(finite, value.astype(np.float64) - far.astype(np.float64), 0)
                off = np.where(same, factor * np.abs(apart), np.inf)
            else:
                off = np.where(far == value, 0, np.inf)
            noise[name] = np.maximum(noise[name], off)
    return values, noise


def run_onnxruntime(
    node: onnx.NodeProto, feeds: dict[str, Array], opset: int = OPSET
) -> list[Array]:
    """Run a node in onnxruntime."""
    inputs = [
        onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
        )
        for name, array in feeds.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output]
    graph = onnx.helper.make_graph([node], "node", inputs, outputs)
    opsets = [onnx.helper.make_opsetid("", opset)]
    model = onnx.helper.make_model(graph, ir_version=10, opset_imports=opsets)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options)
    return [np.asarray(value) for value in session.run(None, feeds)]


def run_evaluator(node: onnx.NodeProto, feeds: dict[str, Array]) -> list[Array]:
    """Run a node in onnx.reference."""
    evaluator = onnx.reference.ReferenceEvaluator(node, opsets={"": OPSET})
    return [np.asarray(value) for value in evaluator.run(None, feeds)]


def run_node(
    node: onnx.NodeProto, feeds: dict[str, Array], engines: Sequence[Engine]
) -> list[Array]:
    """Run a node in the first engine that can."""
    problems = []
    for engine in engines:
        try:
            return engine(node, feeds)
        except Exception as error:
            problems.append(str(error)[:200])
    raise Skip(f"no engine runs {node.op_type}: {'; '.join(problems)}")


ENGINES = (run_onnxruntime, partial(run_onnxruntime, opset=21), run_evaluator)
"""What runs a node. Between 21 and 24 some operators only got types, and no new kernel."""


def compute(
    model: onnx.ModelProto,
    inputs: list[Array],
    *,
    signs: float = 0,
    engines: Sequence[Engine] = ENGINES,
) -> dict[str, Array]:
    """Return every value of a graph, computed node by node.

    Args:
        model: A graph without bodies.
        inputs: One array an input.
        signs: If not 0, results get errors as large as those of MindSpore's kernels and of sums in
            another order; the number decides about the signs of these.
        engines: Each node is run by the first that can.
    """
    names = [value.name for value in model.graph.input]
    found = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    found |= dict(zip(names, inputs, strict=True))
    for node in model.graph.node:
        feeds = {name: found[name] for name in node.input if name}
        results = run_node(node, feeds, engines)
        for name, value in zip(node.output, results, strict=True):
            found[name] = value
            if signs and value.dtype.kind == "f":
                found[name] = with_error(value, node.op_type, signs)
    return {name: found[name] for node in model.graph.node for name in node.output}


def with_error(value: Array, operator: str, signs: float) -> Array:
    """Return numbers as inexact as a kernel, the error's sign another from one to the next."""
    accuracy, wide = KERNELS.get(operator, Accuracy()), value.astype(np.float64)
    # what a step of a recurrence is off by goes into all elements of the next one
    saturated = np.abs(wide).max(initial=0) if operator in ("GRU", "RNN") else wide
    size = accuracy.absolute + np.abs(wide) * accuracy.relative + saturated**8 * accuracy.saturated
    if SUMS.search(operator):
        largest = np.abs(wide[np.isfinite(wide)]).max(initial=0)
        size = size + max(np.finfo(value.dtype).eps, 1e-7) * largest
    moved = wide + np.sin(signs * wide + signs / 1e4) * size
    return np.where(np.isfinite(wide), moved, wide).astype(value.dtype)


def run(conversion: Any, mode: str, inputs: list[Array]) -> list[Array]:
    """Run an emitted network."""
    import mindspore as ms

    ms.set_context(mode=ms.GRAPH_MODE if mode == "graph" else ms.PYNATIVE_MODE)
    outputs = conversion.cell()(*(ms.Tensor(array) for array in inputs))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return [output.asnumpy() for output in outputs]


def differences(
    model: onnx.ModelProto,
    results: list[Array],
    values: Mapping[str, Array],
    noise: Mapping[str, Array],
) -> dict[str, str]:
    """Return by output in what it differs: shape, element type, NaN and infinities, numbers."""
    outputs = [value.name for value in model.graph.output]
    if len(results) != len(outputs):
        return {"": f"{len(results)} outputs, not {len(outputs)}"}
    coarsest = max((TOLERANCE.get(v.dtype.name, 0) for v in values.values()), default=0) or 2e-5
    found = {
        name: difference(result, values[name], noise[name], coarsest)
        for name, result in zip(outputs, results, strict=True)
    }
    return {name: text for name, text in found.items() if text}


def difference(result: Array, wanted: Array, noise: Array, tolerance: float) -> str:
    """Say how an output differs from what it should be; nothing if it does not."""
    noise = noise if noise.shape == wanted.shape else np.zeros(wanted.shape)
    if result.shape != wanted.shape and np.isinf(noise).all():
        return ""  # how many there are depends on the last bit
    if result.shape != wanted.shape:
        return f"shape {result.shape}, not {wanted.shape}"
    if result.dtype != wanted.dtype:
        return f"{result.dtype}, not {wanted.dtype}"
    if wanted.dtype.kind != "f":
        off = (result != wanted) & np.isfinite(noise)
    else:
        told = np.isfinite(noise)
        finite = np.isfinite(wanted) & told
        special = ~np.isclose(result, wanted, equal_nan=True) & ~np.isfinite(wanted) & told
        ours, theirs = (np.where(finite, a, 0).astype(np.float64) for a in (result, wanted))
        allowed = tolerance * np.abs(theirs).max(initial=0) + np.where(finite, noise, 0) + 1e-6
        off = special | ~(np.abs(ours - theirs) <= allowed) & finite
    if not off.any():
        return ""
    return f"{result[off][:3]} is not {wanted[off][:3]}, {off.sum()} of {off.size} elements"


def verdict(
    model: onnx.ModelProto,
    inputs: list[Array],
    results: list[Array],
    values: Mapping[str, Array],
    noise: Mapping[str, Array],
    wrong: Mapping[str, str],
) -> dict[str, str]:
    """Return a status where a difference is not ours to answer for, else an empty one."""
    behind = behind_nan(model, values)
    text = "; ".join(f"{name}: {why}" for name, why in wrong.items())
    if wrong.keys() <= behind.keys():
        told = sorted({behind[name] for name in wrong})
        return {"status": "nan", "reason": f"behind a NaN that {', '.join(told)} got: {text}"}
    second = compute(model, inputs, engines=ENGINES[::-1])
    if not differences(model, results, second, noise).keys() - behind.keys():
        made = {name: node.op_type for node in model.graph.node for name in node.output}
        kinds = ", ".join(sorted({made[name] for name in wrong}))
        return {"status": "onnxruntime", "reason": f"{kinds}: {text}"}
    return {"status": "", "reason": text}


def behind_nan(model: onnx.ModelProto, values: Mapping[str, Array]) -> dict[str, str]:
    """Return the values that follow from a NaN, and the operator that was handed it first.

    Operators of ONNX are not specified for it: onnxruntime and onnx.reference differ in ReduceMax
    and ArgMax, and MindSpore's kernels on CPU drop it in ops.relu, ops.clamp and more.
    """
    found: dict[str, str] = {}
    for node in model.graph.node:
        told = [found[name] for name in node.input if name in found]
        given = [values[name] for name in node.input if name in values]
        if told or any(v.dtype.kind == "f" and np.isnan(v).any() for v in given):
            found |= dict.fromkeys(node.output, told[0] if told else node.op_type)
    return found


def quiet() -> None:
    """Set what MindSpore reads when it is imported."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("GLOG_v", "4")
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "SSE41")
