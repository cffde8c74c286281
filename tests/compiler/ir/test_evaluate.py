"""What NumPy computes is what onnxruntime computes, bit for bit."""

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onnx2ms.passes.pipeline  # noqa: F401  passes add evaluators of their own
from onnx2ms.compiler.ir.evaluate import EVALUATORS, evaluate

FLOATS = np.asarray([[-2.5, 0.0, 3.25], [7.0, -0.5, 1.5]], np.float32)
WHOLE = np.asarray([[-7, 2, 9], [4, -3, 8]], np.int64)
POSITIVE = np.asarray([[2, 3, 1], [5, 2, 3]], np.int64)
BOOLS = np.asarray([[True, False, True], [False, False, True]])


def ints(*elements):
    return np.asarray(elements, np.int64)


SMALL = np.asarray([[-7, 2, 9], [4, -3, 8]], np.int8)
SCALES = np.asarray([0.5, 0.1, 0.3], np.float32)

CASES = [
    ("DequantizeLinear", {}, [SMALL, SCALES[1], SMALL[0, 1]]),
    ("DequantizeLinear", {"axis": -1}, [SMALL, SCALES, SMALL[0]]),
    ("DequantizeLinear", {"axis": 1, "block_size": 2}, [SMALL, np.tile(SCALES[:2], (2, 1))]),
    ("Add", {}, [FLOATS, FLOATS[0]]),
    ("Sub", {}, [WHOLE, ints(3)]),
    ("Mul", {}, [WHOLE[:, :1], WHOLE]),
    ("Div", {}, [WHOLE, POSITIVE]),
    ("Div", {}, [-WHOLE, -POSITIVE]),
    ("Div", {}, [FLOATS, POSITIVE.astype(np.float32)]),
    ("Min", {}, [WHOLE, POSITIVE, ints(2)]),
    ("Max", {}, [FLOATS]),
    *[(name, {}, [FLOATS]) for name in ("Neg", "Abs", "Floor", "Ceil")],
    ("Sqrt", {}, [np.abs(FLOATS)]),
    ("Not", {}, [BOOLS]),
    *[(name, {}, [WHOLE, POSITIVE]) for name in ("Equal", "Greater", "Less")],
    *[(name, {}, [WHOLE, POSITIVE]) for name in ("GreaterOrEqual", "LessOrEqual")],
    *[(name, {}, [BOOLS, BOOLS[:1]]) for name in ("And", "Or")],
    ("Where", {}, [BOOLS, FLOATS, FLOATS[0]]),
    ("Cast", {"to": 7}, [FLOATS]),
    ("Cast", {"to": 9}, [FLOATS]),
    ("Cast", {"to": 1}, [WHOLE]),
    ("Gather", {"axis": 1}, [FLOATS, ints(-1, 0)]),
    ("Gather", {}, [FLOATS, np.asarray(1, np.int32)]),
    ("Concat", {"axis": -1}, [FLOATS, FLOATS]),
    ("Transpose", {}, [FLOATS]),
    ("Transpose", {"perm": [1, 0]}, [FLOATS]),
    ("Unsqueeze", {}, [FLOATS, ints(0, -1)]),
    ("Squeeze", {}, [FLOATS[None, :, :1], ints(0, -1)]),
    ("Squeeze", {}, [FLOATS[None]]),
    ("Flatten", {"axis": 2}, [FLOATS[None]]),
    ("Flatten", {"axis": -1}, [FLOATS[None]]),
    ("Reshape", {}, [FLOATS, ints(0, 1, -1)]),
    ("Reshape", {"allowzero": 1}, [FLOATS[:0], ints(0, 5)]),
    ("Expand", {}, [FLOATS[:, :1], ints(2, 1, 3)]),
    ("ConstantOfShape", {}, [ints(2, 0, 3)]),
    ("ConstantOfShape", {"value": ir.tensor(np.asarray([5]))}, [ints(2)]),
    ("ConstantOfShape", {}, [np.zeros(0, np.int64)]),
    ("Range", {}, [np.asarray(10), np.asarray(1), np.asarray(-3)]),
    ("Range", {}, [np.float32(0), np.float32(1.1), np.float32(0.25)]),
    ("Range", {}, [np.asarray(3), np.asarray(1), np.asarray(1)]),
    ("ReduceProd", {"keepdims": 0}, [POSITIVE, ints(1)]),
    ("ReduceSum", {}, [WHOLE]),
    ("ReduceSum", {"noop_with_empty_axes": 1}, [WHOLE]),
    ("ReduceMin", {}, [WHOLE, ints(-2)]),
    ("ReduceMax", {"keepdims": 0}, [FLOATS, ints(0, 1)]),
]


def node_for(op_type, attributes, operands):
    values = [
        ir.Value(
            name=f"i{index}",
            type=ir.TensorType(ir.DataType.from_numpy(np.asarray(operand).dtype)),
            shape=ir.Shape(np.asarray(operand).shape),
        )
        for index, operand in enumerate(operands)
    ]
    return ir.node(op_type, values, attributes), values


def both(op_type, attributes, operands):
    """Return what NumPy computes, and what onnxruntime does."""
    node, values = node_for(op_type, attributes, operands)
    mine = evaluate(node, operands)
    node.outputs[0].name = "y"
    node.outputs[0].type = ir.TensorType(ir.DataType.from_numpy(mine.dtype))
    graph = ir.Graph(values, node.outputs, nodes=[node], opset_imports={"": 24}, name="g")
    proto = ir.to_proto(ir.Model(graph, ir_version=10))
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    feeds = {
        value.name: np.asarray(operand) for value, operand in zip(values, operands, strict=True)
    }
    return mine, np.asarray(session.run(None, feeds)[0])


@pytest.mark.parametrize(("op_type", "attributes", "operands"), CASES)
def test_as_onnxruntime(op_type, attributes, operands):
    mine, theirs = both(op_type, attributes, operands)
    assert mine.dtype == theirs.dtype
    np.testing.assert_array_equal(mine, theirs)


def test_every_evaluator_is_tested():
    assert {op_type for op_type, _, _ in CASES} == set(EVALUATORS) - {"Slice"}


bounds = st.one_of(st.integers(-7, 7), st.sampled_from([2**63 - 1, -(2**63)]))
steps = st.integers(-3, 3).filter(bool)


@settings(max_examples=150, deadline=None)
@given(size=st.integers(0, 5), start=bounds, end=bounds, step=steps)
def test_slice_as_onnxruntime(size, start, end, step):
    data = np.arange(size, dtype=np.int64)
    mine, theirs = both("Slice", {}, [data, ints(start), ints(end), ints(0), ints(step)])
    np.testing.assert_array_equal(mine, theirs)


def test_slice_of_some_axes():
    mine, theirs = both("Slice", {}, [FLOATS, ints(1), ints(3), ints(-1)])
    np.testing.assert_array_equal(mine, theirs)
    mine, theirs = both("Slice", {}, [FLOATS, ints(0, 1), ints(1, 9)])
    np.testing.assert_array_equal(mine, theirs)
