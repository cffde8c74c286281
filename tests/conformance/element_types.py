"""Cases that the suite leaves out: every operator in every element type that its schema allows."""

import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnx.defs
import onnx.reference
from onnx import helper
from suite import PLAIN, Case, DataSet, load

MOST = 2
"""So many cases of the suite are varied for each operator."""

SPREAD = 3.0
"""Factor before real numbers become integers, that they differ."""

TOLERANCE = {"float16": (1e-2, 1e-3)}


def element_types(suite: Path, core: list[Case], folder: Path) -> list[Case]:
    """Return cases of all operators in other element types, written unless they are there."""
    index = folder / "index.json"
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            written = list(_vary_all(suite, core, folder))
        index.write_text(json.dumps([asdict(case) for case in written]))
    return [Case(**item) for item in json.loads(index.read_text())]


def _vary_all(suite: Path, core: list[Case], folder: Path) -> Iterator[Case]:
    seen: dict[str, int] = {}
    for case in core:
        if not case.id.startswith("node__") or len(case.operators) != 1 or case.sets != 1:
            continue
        name = case.operators[0]
        if seen.setdefault(name, 0) >= MOST:
            continue
        model, sets = load(case, suite)
        if model.functions or len(model.graph.node) != 1:
            continue
        found = list(_vary(case, model, sets[0], folder))
        seen[name] += bool(found)
        yield from found


def _vary(case: Case, model: onnx.ModelProto, data: DataSet, folder: Path) -> Iterator[Case]:
    (node,) = model.graph.node
    version = max(entry.version for entry in model.opset_import if entry.domain == node.domain)
    schema = onnx.defs.get_schema(node.op_type, version, node.domain)
    if not schema.inputs:
        return
    variable = schema.inputs[0].type_str
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    for text in sorted(allowed.get(variable, ())):
        dtype = getattr(onnx.TensorProto, text.removeprefix("tensor(").rstrip(")").upper(), None)
        if dtype not in PLAIN or model.graph.input[0].type.tensor_type.elem_type == dtype:
            continue
        made = _cast(model, schema, variable, dtype, data)
        if made is None:
            continue
        varied, inputs, outputs = made
        name = f"{case.id}_{np.dtype(helper.tensor_dtype_to_np_dtype(dtype)).name}"
        (folder / name).mkdir(exist_ok=True)
        onnx.save(varied, folder / name / "model.onnx")
        arrays = {f"input_{i}": array for i, array in enumerate(inputs)}
        arrays |= {f"output_{i}": array for i, array in enumerate(outputs)}
        np.savez(folder / name / "0.npz", **arrays)
        rtol, atol = TOLERANCE.get(outputs[0].dtype.name, (case.rtol, 1e-6))
        yield Case(name, "core", rtol, atol, case.operators, 1)


def _cast(
    model: onnx.ModelProto, schema: onnx.defs.OpSchema, variable: str, dtype: int, data: DataSet
) -> tuple[onnx.ModelProto, list[np.ndarray], list[np.ndarray]] | None:
    """Return a model and its data in another element type; None if nothing can run it."""
    varied = onnx.ModelProto()
    varied.CopyFrom(model)
    (node,) = varied.graph.node
    names = [value.name for value in varied.graph.input]
    inputs = list(data[0])
    for i, name in enumerate(node.input):
        formal = schema.inputs[min(i, len(schema.inputs) - 1)]
        if name in names and formal.type_str == variable:
            at = names.index(name)
            inputs[at] = _convert(inputs[at], np.dtype(helper.tensor_dtype_to_np_dtype(dtype)))
            varied.graph.input[at].type.tensor_type.elem_type = dtype
    for i, value in enumerate(varied.graph.output):
        formal = schema.outputs[min(i, len(schema.outputs) - 1)]
        if formal.type_str == variable:
            value.type.tensor_type.elem_type = dtype
    try:
        onnx.checker.check_model(varied, full_check=True)
        evaluator = onnx.reference.ReferenceEvaluator(varied)
        outputs = evaluator.run(None, dict(zip(names, inputs, strict=True)))
    except Exception:  # the reference refuses in many ways what it cannot do
        return None
    wanted = [
        helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        for value in varied.graph.output
    ]
    arrays = [np.asarray(output) for output in outputs]
    if any(array.dtype != want for array, want in zip(arrays, wanted, strict=True)):
        return None
    return varied, inputs, arrays


def _convert(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if array.dtype.kind == "f" and dtype.kind in "iu":
        array = np.round(array * SPREAD)
    return (np.abs(array) if dtype.kind == "u" and array.dtype.kind == "f" else array).astype(dtype)
