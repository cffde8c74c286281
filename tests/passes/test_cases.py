"""Every pass on every case: its form, its numbers, and that a second run changes nothing.

A case is a text file `cases/<pass>/<case>.txt`: comments, a model, a line `----- after -----`, and
the model that is expected, or the word `unchanged`. A comment `with: infer_shapes` names passes to
run before; `keys: w` initializers that PyTorch trains; `sizes: batch=2` gives numbers for the
symbols of the inputs; `no reference: …` says why no runtime can run the model before.
"""

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
import pytest
from onnx.reference import ReferenceEvaluator

from onnx2ms.compiler.ir.dialect import IR_VERSION
from onnx2ms.compiler.ir.provenance import KEY, ROLE
from onnx2ms.passes.check import relative_error
from onnx2ms.passes.pipeline import STAGES

CASES = Path(__file__).parent / "cases"
PASSES = {item.name: item for stage in STAGES for item in stage.passes}
FILES = sorted(CASES.glob("*/*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_case(file):
    before, after, notes = read(file)
    item = PASSES[file.parent.name]
    model = ir.from_onnx_text(before)
    for name in notes.get("keys", "").split():
        model.graph.initializers[name].metadata_props.update({KEY: name, ROLE: "trained"})
    for name in notes.get("with", "").replace(",", " ").split():
        run(PASSES[name], model)
    expected = None if after == "unchanged" else ir.from_onnx_text(after)
    form = spell(model)
    sizes = dict(pair.split("=") for pair in notes.get("sizes", "").replace(",", " ").split())
    inputs = None if "no reference" in notes else seeded(model, sizes)
    values = None if inputs is None else compute(model, inputs)

    changes = run(item, model)

    assert bool(changes) is (expected is not None)
    assert spell(model) == (form if expected is None else spell(expected))
    if expected is not None:
        compare_types(model, expected)
    proto = whole(model)
    if "not in the dialect" not in notes:
        onnx.checker.check_model(proto, full_check=True)
    if values is not None:
        for result, value in zip(compute(model, inputs), values, strict=True):
            assert relative_error(result, value) <= 1e-6
    assert run(item, model) == 0, "a second run changed something"


@pytest.mark.parametrize("name", PASSES)
def test_every_pass_has_cases(name):
    kinds = {read(file)[1] == "unchanged" for file in FILES if file.parent.name == name}
    assert kinds == {True, False}, "a pass needs a case that it changes and one that it does not"


def test_every_case_has_a_pass():
    assert {file.parent.name for file in FILES} <= set(PASSES)


def read(file):
    """Return the model before, the one after, and the comments of the form `key: text`."""
    comments = [line[1:].strip() for line in file.read_text().splitlines() if line.startswith("#")]
    text = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("#"))
    before, after = text.split("----- after -----")
    notes = dict(line.split(": ", 1) for line in comments if ": " in line)
    return before.strip(), after.strip(), notes


def run(item, model):
    return item.run_on(model)


def spell(model):
    """Return a graph's form: what remains when values that are neither input nor output, and
    nodes, lose their names."""
    opsets = sorted(model.opset_imports.items())
    return opsets, spell_graph(model.graph, {})


def spell_graph(graph, outer):
    names = dict(outer)
    names.update({value: value.name for value in graph.inputs})
    for value in graph.initializers.values():
        if not value.is_graph_input():
            array = value.const_value.numpy()
            names[value] = (str(value.dtype), array.shape, array.tolist())
    for index, node in enumerate(graph):
        names.update({value: (index, place) for place, value in enumerate(node.outputs)})
    names.update({value: value.name for value in graph.outputs if value.producer()})
    nodes = [
        (
            node.domain,
            node.op_type,
            [names.get(value) for value in node.inputs],
            [names[value] for value in node.outputs],
            {name: spell_attribute(attr, names) for name, attr in node.attributes.items()},
        )
        for node in graph
    ]
    outputs = [names[value] for value in graph.outputs]
    return [value.name for value in graph.inputs], outputs, nodes


def spell_attribute(attr, names):
    if attr.type is ir.AttributeType.GRAPH:
        return spell_graph(attr.as_graph(), names)
    if attr.type is ir.AttributeType.TENSOR:
        return attr.as_tensor().numpy().tolist()
    if attr.type in (ir.AttributeType.FLOAT, ir.AttributeType.FLOATS):
        return np.float32(attr.value).tolist()  # as in the file
    return attr.value


def compare_types(model, expected):
    """Check type and shape of every value for which the expected model tells them."""
    for node, wanted in zip(model.graph, expected.graph, strict=True):
        for value, want in zip(node.outputs, wanted.outputs, strict=True):
            if want.shape is not None and not want.is_graph_output():
                assert (value.dtype, value.shape) == (want.dtype, want.shape), value.name


def seeded(model, sizes):
    rng = np.random.default_rng(0)
    return {value.name: array_for(value, sizes, rng) for value in model.graph.inputs}


def array_for(value, sizes, rng):
    shape = [dim if isinstance(dim, int) else int(sizes[dim.value]) for dim in value.shape]
    dtype = value.dtype
    if dtype is ir.DataType.BOOL:
        return np.asarray(rng.random(shape) < 0.5)
    if dtype.is_integer():
        return rng.integers(0, 3, shape).astype(dtype.numpy())
    return rng.standard_normal(shape).astype(dtype.numpy())


def whole(model):
    model.ir_version = IR_VERSION
    return ir.to_proto(model)


def compute(model, inputs):
    """Run a model in onnxruntime, or in onnx.reference if it is too old or too new for that."""
    proto = whole(model)
    if not 7 <= model.opset_imports[""] <= 26:
        return ReferenceEvaluator(proto).run(None, inputs)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = ort.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, inputs)
