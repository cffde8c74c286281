"""Folding reads no weight that it can leave on disk, and allocates nothing that a file claims."""

import tracemalloc

import numpy as np
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.graph import constant
from onnx2ms.compiler.ir.provenance import KEY, history_of
from onnx2ms.passes.pipeline import run_pipeline
from onnx2ms.passes.shapes import fold_constants as module
from onnx2ms.passes.shapes.fold_constants import fold_constants
from onnx2ms.passes.shapes.infer_shapes import infer_shapes
from onnx2ms.passes.shapes.splat import Splat


def weight(model, name, shape, reads):
    """Register a weight that notes when it is read."""

    def read():
        reads.append(name)
        return ir.tensor(np.arange(np.prod(shape), dtype=np.float32).reshape(shape))

    tensor = ir.LazyTensor(read, ir.DataType.FLOAT, ir.Shape(shape))
    value = next(value for value in model.graph.inputs if value.name == name)
    model.graph.inputs.remove(value)
    value.const_value = tensor
    model.graph.register_initializer(value)


def elements_of(model, name):
    array = constant(model.graph.initializers[name])
    assert array is not None
    return array


def test_a_large_weight_is_moved_when_it_is_read():
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[1,512] x, float[256,512] w) => (float[1,256] y)
        { t = Transpose(w) y = MatMul(x, t) }"""
    )
    reads = []
    weight(model, "w", (256, 512), reads)
    run_pipeline(model)
    assert reads == []
    assert [node.op_type for node in model.graph] == ["MatMul"]
    value = elements_of(model, "t")
    assert reads == ["w"]
    np.testing.assert_array_equal(value, np.arange(256 * 512).reshape(256, 512).T)


def test_ones_of_any_size_are_not_made():
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[1] x) => (float[16384,8192] y) <int64[2] s = {16384, 8192}>
        { d = ConstantOfShape <value = double[1] {1.0}> (s) w = Cast <to = 1> (d) y = Add(x, w) }"""
    )
    tracemalloc.start()
    run_pipeline(model)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20 * 20
    tensor = model.graph.initializers["w"].const_value
    assert isinstance(tensor, Splat)
    assert tensor.nbytes == 2**29
    assert tensor.numpy().strides == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        "w = ConstantOfShape(large)",
        "w = Expand(one, large)",
        "w = Range(zero, most, step)",
        "a = ConstantOfShape(wide) b = ConstantOfShape(high) w = Add(a, b)",
        "w = Tile(few, large)",
    ],
)
def test_what_is_too_large_stays(body):
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 24]>
        g (float[1] x) => (float[a] y)
        <int64[2] large = {100000, 100000}, int64[2] wide = {1, 60000}, int64[2] high = {60000, 1},
         float one = {1.0}, float[1,1] few = {1.0}, float zero = {0.0}, float most = {1e12},
         float step = {1.0}>
        { BODY y = Gather(w, x) }""".replace("BODY", body)
    )
    infer_shapes(model.graph)
    fold_constants(model.graph)
    last = [node.op_type for node in model.graph][-2]
    assert last == body.split("(")[-2].split()[-1]


def test_everything_in_one_session(monkeypatch):
    """Two chains that only onnxruntime can compute."""
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 24]>
        g (float[2] x) => (float[2] y) <float[2] v = {1.0, 2.0}>
        { a = Exp(v) b = Log(a) c = Tanh(v) d = Add(b, c) e = Mul(x, d) y = Add(e, a) }"""
    )
    runs = []
    original = module.run_nodes
    monkeypatch.setattr(
        module,
        "run_nodes",
        lambda nodes, tensor: runs.append(len(nodes)) or original(nodes, tensor),
    )
    infer_shapes(model.graph)
    assert fold_constants(model.graph) == 4
    assert runs == [4]
    assert set(model.graph.initializers) == {"v", "a", "d"}
    assert elements_of(model, "d").tolist() == pytest.approx([1.761594, 2.964028])


def test_what_onnxruntime_lacks_stays():
    """It has no kernel for RoiAlign since version 22; the chain is left for run time."""
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 24]>
        g (float[1,1,2,2] x) => (float[1,1,2,2] y)
        <float[1,1,2,2] v = {1.0, 2.0, 3.0, 4.0}, float[1,4] r = {0.0, 0.0, 1.0, 1.0},
         int64[1] i = {0}>
        { e = Exp(v) a = RoiAlign <output_height = 2, output_width = 2> (e, r, i) y = Add(x, a) }"""
    )
    infer_shapes(model.graph)
    assert fold_constants(model.graph) == 0


def test_types_that_numpy_lacks_stay():
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 24]>
        g (float[1] x) => (string[1] y) <float[1] v = {1.5}> { y = Cast <to = 8> (v) }"""
    )
    infer_shapes(model.graph)
    assert fold_constants(model.graph) == 0


def test_a_weight_that_is_cast_to_its_own_type_keeps_its_key():
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[1,2,4] x) => (float[1,2,4] y) <float[2] w = {1, 2}, int64[1] a = {1}>
        { u = Unsqueeze(w, a) c = Cast <to = 1> (u) y = Mul(x, c) }"""
    )
    model.graph.initializers["w"].metadata_props[KEY] = "norm.weight"
    fold_constants(model.graph)
    value = model.graph.initializers["c"]
    assert value.metadata_props[KEY] == "norm.weight"
    assert not any("cast" in step for step in history_of(value))


PARTS = """<ir_version: 8, opset_import: ["": 17]>
g (float[2,4,3] x, float[1,1,3] token, float[8,3] table) => (float[2,5,3] y, float[2,4,3] z)
<int64[3] s = {2, 1, 3}, int64[4] i = {0, 1, 2, 3}>
{
  t = Expand(token, s)
  y = Concat <axis = 1> (t, x)
  p = Gather(table, i)
  z = Add(x, p)
}"""


@pytest.mark.parametrize("learned", [True, False])
def test_parts_of_a_parameter_stay(learned):
    model = ir.from_onnx_text(PARTS)
    for name, size in (("token", (1, 1, 3)), ("table", (8, 3))):
        value = next(value for value in model.graph.inputs if value.name == name)
        model.graph.inputs.remove(value)
        value.const_value = ir.tensor(np.ones(size, np.float32))
        model.graph.register_initializer(value)
        if learned:
            value.metadata_props[KEY] = name
    fold_constants(model.graph)
    left = [node.op_type for node in model.graph]
    assert left == (["Expand", "Concat", "Gather", "Add"] if learned else ["Concat", "Add"])


def test_parts_that_make_another_constant_are_folded():
    model = ir.from_onnx_text(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[2,4] x) => (float[2,4] y)
        <float[4,4] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
         int64[1] a = {0}, int64[1] b = {2}, int64[1] c = {4}>
        { f = Slice(w, a, b) l = Slice(w, b, c) g = Concat <axis = 0> (l, f) y = MatMul(x, g) }"""
    )
    model.graph.initializers["w"].metadata_props[KEY] = "packed.weight"
    fold_constants(model.graph)
    assert [node.op_type for node in model.graph] == ["MatMul"]
