"""Passes written for onnx-graphsurgeon: nothing that they do not touch may get lost."""

import numpy as np
import onnx_graphsurgeon as gs
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.errors import PassError
from onnx2ms.compiler.ir.provenance import KEY, Module, origins, scope_of, set_origins, set_scope
from onnx2ms.passes.check import PassChecker
from onnx2ms.passes.graphsurgeon_pass import graphsurgeon_pass
from onnx2ms.passes.pipeline import Stage, run_pipeline

TEXT = """<ir_version: 10, opset_import: ["": 24]>
g (float[2,32] x, bool c) => (float[2,32] y)
<float six = {6.0}, float zero = {0.0}, float three = {3.0}> {
    a = Mul(x, w) b = Add(a, three) d = Clip(b, zero, six) e = Mul(a, d) f = Div(e, six)
    y = If (c) <then_branch = t () => (float[2,32] p) { p = Add(f, w) },
                else_branch = u () => (float[2,32] q) { q = Neg(f) }>
}"""
INPUTS = {"x": np.linspace(-3, 3, 64, dtype=np.float32).reshape(2, 32), "c": np.asarray(True)}


def build():
    """Return a model with a large weight that stands for one of PyTorch's."""
    model = ir.from_onnx_text(TEXT)
    weight = ir.tensor(np.arange(32, dtype=np.float32) / 8, name="w")
    value = ir.Value(name="w", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape([32]))
    value.const_value = weight
    outer = [node for node in model.graph.all_nodes() if "w" in [v.name for v in node.inputs if v]]
    model.graph.register_initializer(value)
    for node in outer:
        for index, read in enumerate(node.inputs):
            if read is not None and read.name == "w":
                node.replace_input_with(index, value)
    value.metadata_props[KEY] = "layer.weight"
    for node in model.graph.all_nodes():
        node.name = f"make_{node.outputs[0].name}"
        set_origins(node, [node.name])
        set_scope(node, (Module(""), Module("layer")))
    return model


def run(item, model):
    records = run_pipeline(model, stages=[Stage("a", [item])], on_pass=PassChecker(model, INPUTS))
    return records[0].changes


@graphsurgeon_pass(stage="fuse")
def fuse(graph):
    """Replace x clip(x + 3, 0, 6) / 6 by HardSwish."""
    (last,) = [node for node in graph.nodes if node.op == "Div"]
    product = last.i()
    source, result = product.inputs[0], last.outputs[0]
    last.outputs.clear()
    graph.nodes.append(gs.Node("HardSwish", inputs=[source], outputs=[result]))
    graph.cleanup()


def test_provenance_weights_and_bodies_survive():
    model = build()
    weight = model.graph.initializers["w"]
    assert run(fuse, model) == 4
    assert [node.op_type for node in model.graph] == ["Mul", "HardSwish", "If"]
    nodes = {node.op_type: node for node in model.graph.all_nodes()}
    assert origins(nodes["HardSwish"]) == ("make_b", "make_d", "make_e", "make_f")
    assert origins(nodes["Neg"]) == ("make_q",)
    assert all(scope_of(node)[-1].path == "layer" for node in model.graph.all_nodes())
    assert model.graph.initializers["w"] is weight
    assert weight.metadata_props[KEY] == "layer.weight"
    assert len(set(model.graph.initializers)) == 1
    assert nodes["HardSwish"].name
    assert nodes["HardSwish"].outputs[0].dtype is ir.DataType.FLOAT


@pytest.mark.parametrize("read", [False, True])
def test_what_changes_nothing_touches_nothing(read):
    @graphsurgeon_pass(stage="fuse")
    def look(graph):
        """Look at every weight."""
        if read:
            assert graph.tensors()["w"].values.shape == (32,)

    model = build()
    before = list(model.graph)
    changes = run(look, model)
    assert read or (changes == 0 and list(model.graph) == before)
    assert model.graph.initializers["w"].metadata_props[KEY] == "layer.weight"


def test_a_changed_weight_is_another_one():
    @graphsurgeon_pass(stage="fuse")
    def scale(graph):
        """Multiply a weight by two, and divide where it is read."""
        for node in graph.nodes:
            if node.op == "Mul" and node.inputs[1].name == "w":
                twice = gs.Constant("w2", node.inputs[1].values * np.float32(2))
                node.inputs[1] = twice
                half = gs.Constant("half", np.array(0.5, np.float32))
                made = gs.Variable("doubled", np.float32, [2, 32])
                result = node.outputs[0]
                node.outputs = [made]
                graph.nodes.append(gs.Node("Mul", "halve", inputs=[made, half], outputs=[result]))

    model = build()
    assert run(scale, model)
    assert KEY not in model.graph.initializers["w2"].metadata_props
    assert model.graph.initializers["w"].metadata_props[KEY] == "layer.weight"
    halve = next(node for node in model.graph if node.name == "halve")
    assert origins(halve) == ("make_a",)


def spoil_outputs(graph):
    """Rename the output."""
    graph.outputs[0].name = "other"


def spoil_answer(graph):
    """Return something else."""
    return 5


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (spoil_outputs, "pass spoil_outputs failed: ValueError: it changed the outputs"),
        (spoil_answer, "pass spoil_answer failed: TypeError: it returned int"),
    ],
)
def test_what_is_no_graph_of_the_model_is_told(function, message):
    with pytest.raises(PassError, match=message):
        run(graphsurgeon_pass(stage="fuse")(function), build())
