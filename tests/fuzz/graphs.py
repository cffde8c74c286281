"""A hypothesis strategy for valid graphs of 1 to 25 nodes, from the table of operators."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
import onnx.defs
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from onnx2ms.emitters.mindspore.operators import EMITTERS

OPSET = 24
LARGEST = 400
"""Most elements of a value."""

TYPES = ("float32", "float32", "float32", "float64", "float16", "int64", "int32", "uint8", "bool")
RANDOM = ("Random", "Bernoulli", "Multinomial")
UNFIT = frozenset(("CumSum", "PRelu", "RMSNormalization"))
"""Of one tensor or two, but with demands on their ranks or shapes."""

REDUCTIONS = ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare")
Draw = Callable[..., Any]


@dataclass
class Value:
    """A value of the graph that is built."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass
class Builder:
    """A graph while it is built."""

    draw: Draw
    values: list[Value] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def pick(self, *, rank: Sequence[int] = range(9), dtypes: Sequence[str] = ()) -> Value | None:
        """Return one of the values that fit."""
        fit = [v for v in self.values if len(v.shape) in rank and (not dtypes or v.dtype in dtypes)]
        return self.draw(st.sampled_from(fit)) if fit else None

    def constant(self, array: np.ndarray) -> str:
        """Register a constant."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def ints(self, numbers: Sequence[int]) -> str:
        """Register a vector of int64."""
        return self.constant(np.array(numbers, np.int64))

    def add(self, op: str, inputs: Sequence[str], dtype: str, shape: Sequence[int], **attributes):
        """Add a node of one output, unless it is too large."""
        if math.prod(shape) > LARGEST or len(shape) > 5:
            return
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], f"n{len(self.nodes)}", **attributes))
        self.values.append(Value(name, dtype, tuple(shape)))

    def number(self, low: int, high: int) -> int:
        """Draw a number, both ends included."""
        return self.draw(st.integers(low, high))

    def flag(self) -> int:
        """Draw 0 or 1."""
        return self.number(0, 1)


def schema_types(schema: onnx.defs.OpSchema, variable: str) -> list[str]:
    """Return the element types, of those used here, that a variable of a schema allows."""
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    texts = allowed.get(variable, [variable])
    names = {"float32": "float", "float64": "double"}
    return [t for t in dict.fromkeys(TYPES) if f"tensor({names.get(t, t)})" in texts]


def elementwise(inputs: int) -> list[onnx.defs.OpSchema]:
    """Return the schemas of operators that take one or two tensors and nothing else."""
    found = []
    for domain, name in sorted(EMITTERS):
        if domain or name.startswith(RANDOM) or name in UNFIT or not onnx.defs.has(name, OPSET):
            continue
        schema = onnx.defs.get_schema(name, OPSET)
        required = any(attribute.required for attribute in schema.attributes.values())
        simple = schema.min_input == schema.max_input == inputs and schema.max_output == 1
        if simple and not required and is_elementwise(name, inputs):
            found.append(schema)
    return found


def is_elementwise(name: str, inputs: int) -> bool:
    """Ask ONNX's own inference whether an operator keeps, or broadcasts, shapes of rank 3."""
    schema = onnx.defs.get_schema(name, OPSET)
    types = schema_types(schema, schema.inputs[0].type_str)
    if not types:
        return False
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(types[0]))
    shapes = ((3, 2, 4), (1, 2, 4))[:inputs]
    values = [helper.make_tensor_value_info(f"i{i}", dtype, s) for i, s in enumerate(shapes)]
    node = helper.make_node(name, [value.name for value in values], ["o"])
    out = onnx.ValueInfoProto(name="o")
    graph = helper.make_graph([node], "g", values, [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    try:
        done = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    except onnx.shape_inference.InferenceError:
        return False
    shape = done.graph.output[0].type.tensor_type.shape
    return [dim.dim_value for dim in shape.dim] == [3, 2, 4]


UNARY, BINARY = elementwise(1), elementwise(2)


def result_type(schema: onnx.defs.OpSchema, dtype: str) -> str:
    """Return the element type of an operator's output for that of its first input."""
    output = schema.outputs[0].type_str
    if output == schema.inputs[0].type_str:
        return dtype
    return schema_types(schema, output)[0]


def unary(b: Builder) -> None:
    schema = b.draw(st.sampled_from(UNARY))
    x = b.pick(rank=range(1, 6), dtypes=schema_types(schema, schema.inputs[0].type_str))
    if x is not None:
        b.add(schema.name, [x.name], result_type(schema, x.dtype), x.shape)


def binary(b: Builder) -> None:
    schema = b.draw(st.sampled_from(BINARY))
    types = schema_types(schema, schema.inputs[0].type_str)
    x = b.pick(dtypes=types)
    if x is None:
        return
    same = schema.inputs[0].type_str == schema.inputs[1].type_str
    others = [v for v in b.values if v.dtype == x.dtype and broadcast(x.shape, v.shape)]
    if not same or not others:
        return
    y = b.draw(st.sampled_from(others))
    if schema.name in ("Div", "Mod") and "int" in x.dtype:
        return  # by 0: not defined
    shape = np.broadcast_shapes(x.shape, y.shape)
    attributes = {"fmod": 1} if schema.name == "Mod" else {}
    b.add(schema.name, [x.name, y.name], result_type(schema, x.dtype), shape, **attributes)


def broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(one, other)
    except ValueError:
        return None


def reduction(b: Builder) -> None:
    x = b.pick(rank=range(1, 6), dtypes=("float32", "float64", "int64", "int32"))
    if x is None or 0 in x.shape:
        return
    kind, keep, rank = b.draw(st.sampled_from(REDUCTIONS)), b.flag(), len(x.shape)
    axes = b.draw(st.lists(st.integers(0, rank - 1), min_size=1, max_size=rank, unique=True))
    kept = [1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes]
    signed = [axis - rank if b.flag() else axis for axis in axes]
    b.add(f"Reduce{kind}", [x.name, b.ints(signed)], x.dtype, kept, keepdims=keep)


def transpose(b: Builder) -> None:
    if x := b.pick(rank=range(2, 6)):
        perm = b.draw(st.permutations(range(len(x.shape))))
        b.add("Transpose", [x.name], x.dtype, [x.shape[i] for i in perm], perm=perm)


def reshape(b: Builder) -> None:
    x = b.pick(rank=range(1, 6))
    if x is None or not math.prod(x.shape):
        return
    cuts = sorted({0, len(x.shape), b.number(0, len(x.shape)), b.number(0, len(x.shape))})
    shape = [math.prod(x.shape[i:j]) for i, j in pairwise(cuts)]
    given = list(shape)
    if b.flag():
        given[b.number(0, len(given) - 1)] = -1
    b.add("Reshape", [x.name, b.ints(given)], x.dtype, shape)


def squeeze(b: Builder) -> None:
    x = b.pick(rank=range(1, 5))
    if x is None:
        return
    ones = [i for i, n in enumerate(x.shape) if n == 1]
    if ones and b.flag():
        axis = b.draw(st.sampled_from(ones))
        rest = [n for i, n in enumerate(x.shape) if i != axis]
        b.add("Squeeze", [x.name, b.ints([axis])], x.dtype, rest)
        return
    axis = b.number(0, len(x.shape))
    shape = [*x.shape[:axis], 1, *x.shape[axis:]]
    b.add("Unsqueeze", [x.name, b.ints([axis])], x.dtype, shape)


def slice_(b: Builder) -> None:
    if x := b.pick(rank=range(1, 6)):
        axis = b.number(0, len(x.shape) - 1)
        start, end, step = b.number(-4, 4), b.number(-5, 6), b.draw(st.sampled_from((1, 2, -1, -2)))
        count = len(range(x.shape[axis])[start:end:step])
        shape = [count if i == axis else n for i, n in enumerate(x.shape)]
        if count:
            numbers = [b.ints([number]) for number in (start, end, axis, step)]
            b.add("Slice", [x.name, *numbers], x.dtype, shape)


def concat(b: Builder) -> None:
    x = b.pick(rank=range(1, 6))
    if x is None:
        return
    axis = b.number(0, len(x.shape) - 1)
    cut = [n for i, n in enumerate(x.shape) if i != axis]
    fit = [v for v in b.values if v.dtype == x.dtype and len(v.shape) == len(x.shape)
           and [n for i, n in enumerate(v.shape) if i != axis] == cut]  # fmt: skip
    y = b.draw(st.sampled_from(fit))
    shape = [n + y.shape[i] if i == axis else n for i, n in enumerate(x.shape)]
    b.add("Concat", [x.name, y.name], x.dtype, shape, axis=axis)


def pad(b: Builder) -> None:
    if x := b.pick(rank=range(1, 5), dtypes=("float32", "int64", "float64")):
        before = [b.number(0, 2) for _ in x.shape]
        after = [b.number(0, 1) for _ in x.shape]
        shape = [a + n + c for a, n, c in zip(before, x.shape, after, strict=True)]
        value = b.constant(np.array(b.number(-2, 2), x.dtype))
        b.add("Pad", [x.name, b.ints(before + after), value], x.dtype, shape)


def gather(b: Builder) -> None:
    x = b.pick(rank=range(1, 5))
    if x is None or not math.prod(x.shape):
        return
    axis = b.number(0, len(x.shape) - 1)
    size = x.shape[axis]
    indices = b.draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=4))
    shape = [len(indices) if i == axis else n for i, n in enumerate(x.shape)]
    b.add("Gather", [x.name, b.ints(indices)], x.dtype, shape, axis=axis)


def softmax(b: Builder) -> None:
    if x := b.pick(rank=range(1, 5), dtypes=("float32",)):
        op = b.draw(st.sampled_from(("Softmax", "LogSoftmax")))
        b.add(op, [x.name], x.dtype, x.shape, axis=b.number(-len(x.shape), len(x.shape) - 1))


def extremum(b: Builder) -> None:
    x = b.pick(rank=range(1, 5), dtypes=("float32", "int32"))
    if x is not None and 0 not in x.shape:
        axis, keep = b.number(0, len(x.shape) - 1), b.flag()
        shape = [1 if i == axis else n for i, n in enumerate(x.shape) if keep or i != axis]
        op = b.draw(st.sampled_from(("ArgMax", "ArgMin")))
        last = b.flag()
        b.add(op, [x.name], "int64", shape, axis=axis, keepdims=keep, select_last_index=last)


def cast(b: Builder) -> None:
    dtype = b.draw(st.sampled_from(("float32", "float64", "int64", "int32", "bool")))
    if x := b.pick(dtypes=("int64", "int32", "uint8", "bool") if "int" in dtype else ()):
        to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        b.add("Cast", [x.name], dtype, x.shape, to=to)


def where(b: Builder) -> None:
    condition, x = b.pick(dtypes=("bool",)), b.pick(dtypes=("float32", "int64"))
    if condition is None or x is None:
        return
    fit = [v for v in b.values if v.dtype == x.dtype]
    y = b.draw(st.sampled_from(fit))
    shape = broadcast(condition.shape, x.shape)
    shape = broadcast(shape, y.shape) if shape is not None else None
    if shape is not None:
        b.add("Where", [condition.name, x.name, y.name], x.dtype, shape)


def matmul(b: Builder) -> None:
    if x := b.pick(rank=range(2, 5), dtypes=("float32",)):
        columns, size = b.number(1, 4), x.shape[-1]
        weight = np.cos(np.arange(size * columns, dtype=np.float32)).reshape(size, columns)
        b.add("MatMul", [x.name, b.constant(weight)], x.dtype, [*x.shape[:-1], columns])


def convolution(b: Builder) -> None:
    x = b.pick(rank=(4,), dtypes=("float32",))
    if x is None or min(x.shape) < 1:
        return
    kernel, pads = b.number(1, 3), [b.number(0, 1) for _ in range(4)]
    sizes = [x.shape[i + 2] + pads[i] + pads[i + 2] - kernel + 1 for i in (0, 1)]
    if min(sizes) < 1 or math.prod(x.shape) == 0:
        return
    if b.flag():
        op = b.draw(st.sampled_from(("MaxPool", "AveragePool")))
        if max(pads) < kernel:
            shape = [*x.shape[:2], *sizes]
            b.add(op, [x.name], x.dtype, shape, kernel_shape=[kernel] * 2, pads=pads)
        return
    channels = b.number(1, 3)
    count = channels * x.shape[1] * kernel**2
    weight = np.sin(np.arange(count, dtype=np.float32)).reshape(channels, -1, kernel, kernel)
    shape = [x.shape[0], channels, *sizes]
    b.add("Conv", [x.name, b.constant(weight)], x.dtype, shape, pads=pads)


STEPS = (
    *(unary, unary, binary, binary, reduction, transpose, reshape, squeeze, slice_, concat, pad),
    *(gather, softmax, extremum, cast, where, matmul, convolution),
)


@st.composite
def graphs(draw: Draw) -> onnx.ModelProto:
    """Build a model: inputs, up to 25 nodes on them and on each other, the unread as outputs."""
    b = Builder(draw)
    for i in range(draw(st.integers(1, 3))):
        shape: tuple[int, ...] = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
        b.values.append(Value(f"x{i}", draw(st.sampled_from(TYPES)), shape))
    inputs = list(b.values)
    wanted = draw(st.integers(1, 25))
    for _ in range(3 * wanted):
        if len(b.nodes) < wanted:
            draw(st.sampled_from(STEPS))(b)
    if not b.nodes:
        b.add("Identity", [inputs[0].name], inputs[0].dtype, inputs[0].shape)
    read = {name for node in b.nodes for name in node.input}
    outputs = [v for v in b.values[len(inputs) :] if v.name not in read]
    used = [v for v in inputs if v.name in read]
    graph = helper.make_graph(
        b.nodes, "fuzz", [info(v) for v in used], [info(v) for v in outputs], b.constants
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, ir_version=10, opset_imports=opset)
    onnx.checker.check_model(model, full_check=True)
    return model


def info(value: Value) -> onnx.ValueInfoProto:
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
    return helper.make_tensor_value_info(value.name, dtype, value.shape)
