"""A graph while it is built: ONNX's own inference tells what each node makes."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import helper, numpy_helper

OPSET = 24
LARGEST = 600
"""Most elements of a value."""

INPUTS = 12
"""So many inputs a graph has at most; what is needed beyond them is constant."""

FLOATS = ("float32", "float64", "float16")
SIGNED = ("int64", "int32", "int16", "int8")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
TYPES = (*FLOATS, *SIGNED, *UNSIGNED, "bool")
COMMON = ("float32",) * 6 + (
    "float64",
    "float16",
    "int64",
    "int64",
    "int32",
    "int8",
    "uint8",
    "bool",
)
LIKE_INPUT = ("GroupNormalization",)
"""Operators that ONNX's inference says nothing of, and whose result is as their input."""

Draw = Callable[..., Any]


@dataclass
class Value:
    """A value of the graph; a dimension that only its contents tell is None."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def rank(self) -> int:
        """Return the number of its dimensions."""
        return len(self.shape)

    @property
    def dims(self) -> tuple[int, ...]:
        """Return its shape where all of it is known."""
        return tuple(dim for dim in self.shape if dim is not None)

    def is_open(self) -> bool:
        """Tell whether a dimension is not known."""
        return None in self.shape


@dataclass
class Builder:
    """A graph while it is built."""

    draw: Draw
    values: list[Value] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def one_of(self, choices: Iterable[Any]) -> Any:
        """Draw one of several."""
        return self.draw(st.sampled_from(list(choices)))

    def number(self, low: int, high: int) -> int:
        """Draw a number, both ends included."""
        return self.draw(st.integers(low, high))

    def flag(self) -> int:
        """Draw 0 or 1."""
        return self.number(0, 1)

    def axis(self, value: Value) -> int:
        """Draw an axis, counted from the front or from the back."""
        return self.number(-value.rank, value.rank - 1)

    def shape(self, rank: int) -> tuple[int, ...]:
        """Draw a shape."""
        return tuple(self.number(1, 4) for _ in range(rank))

    def pick(self, ranks: Sequence[int] = range(1, 6), dtypes: Sequence[str] = COMMON) -> Value:
        """Draw one of the values that fit, or a new input or constant."""
        fit = [v for v in self.values if v.rank in ranks and v.dtype in dtypes and not v.is_open()
               and 0 not in v.shape]  # fmt: skip
        if fit and self.number(0, 5):
            return self.one_of(fit)
        rank = self.one_of([r for r in ranks if r <= 4] or ranks)
        return self.new(self.shape(rank), self.one_of([t for t in COMMON if t in dtypes] or dtypes))

    def new(
        self, shape: Sequence[int], dtype: str = "float32", *, given: bool | None = None
    ) -> Value:
        """Return a new input, or a constant."""
        given = bool(self.flag()) if given is None else given
        if given and len(self.inputs) < INPUTS:
            value = Value(f"x{len(self.inputs)}", dtype, tuple(shape))
            self.inputs.append(value)
            self.values.append(value)
            return value
        count = math.prod(shape)
        wave = 1.5 * np.sin(np.arange(count) * 1.7 + len(self.constants))
        low = 0 if dtype.startswith("u") else -3
        integers = np.arange(count) * 7 % 8 + low
        numbers = wave if dtype in FLOATS else integers % 2 if dtype == "bool" else integers
        return self.constant(numbers.reshape(shape).astype(dtype))

    def constant(self, array: Any, dtype: str = "int64") -> Value:
        """Register a constant; numbers of Python become int64."""
        array = array if isinstance(array, np.ndarray) else np.array(array, dtype)
        name = f"c{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(array, name)
        return Value(name, array.dtype.name, array.shape)

    def add(
        self, op: str, inputs: Sequence[Value | None], count: int = 1, **attributes: Any
    ) -> list[Value]:
        """Add a node, unless inference refuses it or a result is too large; return its results."""
        at = len(self.nodes)
        outputs = [f"v{at}" if i == 0 else f"v{at}_{i}" for i in range(count)]
        names = [value.name if value is not None else "" for value in inputs]
        node = helper.make_node(op, names, outputs, f"n{at}", **attributes)
        made = self.infer(node, [value for value in inputs if value is not None])
        if not made or any(math.prod(v.dims) > LARGEST or v.rank > 5 for v in made):
            return []
        self.nodes.append(node)
        self.values += made
        return made

    def infer(self, node: onnx.NodeProto, operands: Sequence[Value]) -> list[Value]:
        """Return what a node makes, or nothing if ONNX's inference refuses it."""
        if node.op_type in LIKE_INPUT:
            return [Value(node.output[0], operands[0].dtype, operands[0].shape)]
        known = [info(v) for v in operands if v.name not in self.constants]
        constants = [self.constants[v.name] for v in operands if v.name in self.constants]
        unique = {value.name: value for value in (*known, *constants)}
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output]
        graph = helper.make_graph(
            [node], "g", [v for v in unique.values() if isinstance(v, onnx.ValueInfoProto)],
            outputs, [v for v in unique.values() if isinstance(v, onnx.TensorProto)],
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        try:
            done = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        except onnx.shape_inference.InferenceError:
            return []
        made = []
        for output in done.graph.output:
            tensor = output.type.tensor_type
            if not tensor.elem_type or not tensor.HasField("shape"):
                return []
            dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
            dims = tensor.shape.dim
            shape = tuple(d.dim_value if d.HasField("dim_value") else None for d in dims)
            made.append(Value(output.name, dtype, shape))
        return made

    def model(self) -> onnx.ModelProto:
        """Return the whole; what nobody reads is an output."""
        read = {name for node in self.nodes for name in node.input}
        made = [v for v in self.values if v.name.startswith("v")]
        graph = helper.make_graph(
            self.nodes,
            "fuzz",
            [info(value) for value in self.inputs if value.name in read],
            [info(value) for value in made if value.name not in read],
            [tensor for name, tensor in self.constants.items() if name in read],
        )
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, ir_version=10, opset_imports=opset)


def info(value: Value) -> onnx.ValueInfoProto:
    """Return a value as the proto has it."""
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
    return helper.make_tensor_value_info(value.name, dtype, value.shape)
