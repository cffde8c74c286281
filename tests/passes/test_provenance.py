"""What passes rewrite keeps its module and its nodes of the file; folded weights their sources."""

import numpy as np
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir import provenance
from onnx2ms.compiler.ir.graph import constant
from onnx2ms.compiler.ir.provenance import Module
from onnx2ms.passes.modernize.modernize_operators import modernize_operators
from onnx2ms.passes.pipeline import STAGES, run_pipeline

REWRITTEN = """<ir_version: 8, opset_import: ["": 11]>
g (float[1,2,5,5] x) => (float[1,6,7,7] y) <float[2,2,3,3] w = {ONES}, float[2] b = {1.0, 2.0}>
{
    c = Conv <auto_pad = "SAME_UPPER", strides = [2, 2]> (x, w, b)
    p = AveragePool <kernel_shape = [2, 2], strides = [1, 1], auto_pad = "SAME_UPPER"> (c)
    m = MaxPool <kernel_shape = [2, 2], strides = [1, 1], pads = [0, 0, 1, 1]> (c)
    l = LpPool <kernel_shape = [2, 2], strides = [1, 1], pads = [0, 0, 1, 1]> (c)
    s = Sum(p, m, l)
    f = Softmax <axis = 1> (s)
    e = Mean(s, f, c)
    d = ConvTranspose <strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 1]> (e, w)
    n = Unsqueeze <axes = [0]> (d)
    q = Squeeze <axes = [0]> (n)
    t = Concat <axis = 1> (q, q, q)
    u = Pad <mode = "constant"> (t, four)
    y = Clip(u, low)
}""".replace("ONES", ", ".join(["0.5"] * 36)).replace(
    "float[2] b = {1.0, 2.0}",
    "float[2] b = {1.0, 2.0}, int64[8] four = {0, 0, 0, 0, 0, 0, 1, 1}, float low = {0.0}",
)


@pytest.mark.parametrize("stage", [None, *(stage.name for stage in STAGES)])
def test_every_node_keeps_its_provenance(stage):
    model = ir.from_onnx_text(REWRITTEN)
    for index, node in enumerate(model.graph):
        node.name = f"node{index}"
        module = Module(f"layer{index}.{node.op_type.lower()}", "torch.nn.Module")
        provenance.set_scope(node, (Module(""), module))
        provenance.set_origins(node, [node.name])
    paths = {f"node{i}": provenance.path_of(node) for i, node in enumerate(model.graph)}

    def check():
        names = [node.name for node in model.graph]
        assert len(names) == len(set(names)), "two nodes have one name"
        for node in model.graph:
            origins = provenance.origins(node)
            assert origins, node.op_type
            assert provenance.path_of(node) == paths[origins[0]]

    if stage is None:
        run_pipeline(model, on_pass=lambda record, given: check())
    else:
        run_pipeline(model, on_stage=lambda name, given: check() if name == stage else None)
    assert {name for node in model.graph for name in provenance.origins(node)} >= {
        "node0",
        "node1",
        "node2",
        "node3",
        "node4",
        "node6",
        "node7",
        "node12",
    }


def folded(text, **keys):
    """Return the initializer `r` after all passes, the given ones being parameters of PyTorch."""
    model = ir.from_onnx_text(text)
    for name, key in keys.items():
        model.graph.initializers[name].metadata_props[provenance.KEY] = key
    run_pipeline(model)
    return model.graph.initializers["r"]


def test_a_moved_weight_keeps_its_key():
    value = folded(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[2,3] x) => (float[2,2] y) <float[2,3] w = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}>
        { r = Transpose(w) y = MatMul(x, r) }""",
        w="fc.weight",
    )
    assert value.metadata_props[provenance.KEY] == "fc.weight"
    assert provenance.sources_of(value) == ("w",)
    assert provenance.history_of(value) == ("transposed to (3, 2)",)
    array = constant(value)
    assert array is not None
    np.testing.assert_array_equal(array, [[1, 4], [2, 5], [3, 6]])


def test_a_computed_weight_loses_its_key():
    value = folded(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[2] x) => (float[1,2] y) <float[2] w = {1.0, 2.0}, float[2] v = {3.0, 4.0},
                                          int64[2] s = {1, 2}>
        { p = Mul(w, v) r = Reshape(p, s) y = Add(x, r) }""",
        w="weight_g",
        v="weight_v",
    )
    assert provenance.KEY not in value.metadata_props
    assert provenance.sources_of(value) == ("w", "v")
    assert provenance.history_of(value) == ("folded from Mul", "reshaped to (1, 2)")


def test_history_goes_on_from_round_to_round():
    """The second node waits for a shape that is known only once the first is folded."""
    value = folded(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[2,2] x) => (float[2,2] y) <float[4] w = {1.0, 2.0, 3.0, 4.0}, int64[2] s = {2, 2}>
        { p = Reshape(w, s) k = Neg(p) n = ReduceL2 <axes = [1]> (k)
          r = Div(p, n) y = Add(x, r) }""",
        w="w",
    )
    assert provenance.sources_of(value) == ("w",)
    assert set(provenance.history_of(value)) == {
        "reshaped to (2, 2)",
        "folded from Neg",
        "folded from ReduceL2",
        "folded from Div",
    }


def test_a_rule_that_adds_nodes_keeps_the_name():
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 11]>
        g (float[2,3,4] x) => (float[2,3,4] y) { [soft] y = Softmax <axis = 1> (x) }"""
    )
    modernize_operators(model.graph)
    assert {node.name: node.op_type for node in model.graph} == {
        "soft/Flatten": "Flatten",
        "soft/Softmax": "Softmax",
        "soft/Shape": "Shape",
        "soft": "Reshape",
    }
