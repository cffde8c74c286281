"""How exact MindSpore's kernels are, and what that does to a network's outputs.

On the CPU, MindSpore 2.10 computes some functions by approximations that are coarser than float32.
A network that hands such an error on, enlarged, is not wrong for that: by how much its outputs
may move is told by the model itself, with errors of that size put into it.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import onnx
from onnx import TensorProto, helper

from .engines import Source

FAST = 1e4
"""Factor that makes neighbouring values differ in the sign of their error."""


@dataclass(frozen=True)
class Accuracy:
    """Largest error of a kernel on float32, |computed - exact|, measured on -30 to 30.

    Attributes:
        absolute: Whatever the result is.
        relative: For each unit of the result.
        saturated: Where the result is near 1 or -1, besides.
    """

    absolute: float = 0.0
    relative: float = 0.0
    saturated: float = 0.0


KERNELS = {
    "Elu": Accuracy(absolute=2.3e-6),
    "Exp": Accuracy(relative=7.7e-6),
    "Gelu": Accuracy(absolute=4.5e-7),
    "Log": Accuracy(absolute=2.1e-6),
    "Mish": Accuracy(absolute=4e-6, relative=1e-4),
    "Selu": Accuracy(absolute=2.3e-6),
    "Sigmoid": Accuracy(relative=3.6e-6),
    "Softplus": Accuracy(absolute=4e-6),
    "Swish": Accuracy(absolute=1.3e-6, relative=5e-7),
    "Tanh": Accuracy(relative=2e-7, saturated=1e-4),
}
"""By operator: MindSpore 2.10, CPU, x86-64."""

REAL = Accuracy(relative=2.4e-7)
SUM = Accuracy(absolute=2.4e-7)
ROUNDED = {
    ("", "DynamicQuantizeLinear"): {0: REAL},
    ("", "QuantizeLinear"): {0: REAL},
    ("com.microsoft", "DynamicQuantizeLSTM"): {0: REAL, 3: SUM},
    ("com.microsoft", "DynamicQuantizeMatMul"): {0: REAL},
}
"""Operators that round what they read to integers, and how exact that is: some last places.

Where it lies between two integers its last place decides, and by the next integer all that follows
is off. The state of an LSTM is such a value at every step: an error of the bias is one of what its
gates sum up, and as large as that of onnxruntime's own tanh, which differs among processors.
"""


def rounds(source: Source) -> bool:
    """Tell whether a model rounds real numbers to integers."""
    return any((node.domain, node.op_type) in ROUNDED for node in source.proto.graph.node)


def with_kernel_errors(source: Source, fast: float = FAST) -> Source:
    """Return a model in which those operators are as inexact as MindSpore's kernels.

    Each element of a result, or of what is rounded, gets an error of the size in the table whose
    sign changes from value to value, in the bodies of If and Loop too.

    Args:
        source: The model.
        fast: Another one makes other signs.
    """
    proto = onnx.ModelProto()
    proto.CopyFrom(source.proto)
    _put_errors(proto.graph, itertools.count(), fast)
    return replace(source, proto=proto)


def _put_errors(graph: onnx.GraphProto, numbers: Iterator[int], fast: float) -> None:
    """Put an error behind each of those operators, at any depth; `numbers` gives unused ones."""
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _put_errors(attribute.g, numbers, fast)
        for index, rest in ROUNDED.get((node.domain, node.op_type), {}).items():
            if index < len(node.input) and node.input[index]:
                moved = f"onnx2ms_moved_{next(numbers)}"
                _add_error(graph, node.input[index], moved, rest, fast)
                node.input[index] = moved
        accuracy = KERNELS.get(node.op_type) if not node.domain else None
        if accuracy is None or not node.output:
            graph.node.append(node)
            continue
        result, exact = node.output[0], f"onnx2ms_exact_{next(numbers)}"
        node.output[0] = exact
        graph.node.append(node)
        _add_error(graph, exact, result, accuracy, fast)


def _add_error(
    graph: onnx.GraphProto, exact: str, result: str, accuracy: Accuracy, fast: float
) -> None:
    """Append nodes: result = exact + sin(fast exact) (absolute + relative |exact| + …)."""

    def number(word: str, value: float) -> str:
        name = f"{result}_{word}"
        graph.initializer.add(name=name, data_type=TensorProto.FLOAT, float_data=[value])
        return name

    def add(op_type: str, *inputs: str, output: str = "") -> str:
        name = output or f"{result}_{len(graph.node)}"
        graph.node.append(helper.make_node(op_type, inputs, [name]))
        return name

    sign = add("Sin", add("Mul", exact, number("fast", fast)))
    size = add("Mul", add("Abs", exact), number("relative", accuracy.relative))
    size = add("Add", size, number("absolute", accuracy.absolute))
    if accuracy.saturated:  # x^8 is 1 where |x| is, and a tenth of that at 0.75
        near = add("Pow", exact, number("eight", 8.0))
        size = add("Add", size, add("Mul", near, number("saturated", accuracy.saturated)))
    add("Add", exact, add("Mul", sign, size), output=result)
