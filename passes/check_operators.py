"""Axes that are not there, words that mean nothing: onnx.checker and inference let some pass."""

from collections.abc import Iterable, Sequence

import onnx_ir as ir

from ..compiler.ir.errors import ModelError, quoted
from ..compiler.ir.graph import attribute, integers, operand, operator, rank_of, shape_of

ALONG = frozenset(
    (
        *("ArgMax", "ArgMin", "Compress", "Concat", "Gather", "GatherElements", "Hardmax"),
        *("LayerNormalization", "LogSoftmax", "LpNormalization", "RMSNormalization"),
        *("ScatterElements", "Softmax", "Split", "SplitToSequence", "TensorScatter", "TopK"),
        *("Unique",),
    )
)
"""Operators whose attribute `axis` is one of their first input's."""

AXES = {"Slice": 3, "Squeeze": 1, "Pad": 3, "CumSum": 1, "DFT": 2} | dict.fromkeys(
    (
        *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean"),
        *("ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"),
    ),
    1,
)
"""Which input holds axes of the first."""


SCATTERS = ("none", "add", "mul", "max", "min")
PADS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")
WORDS = {
    ("ScatterElements", "reduction"): SCATTERS,
    ("ScatterND", "reduction"): SCATTERS,
    ("Pad", "mode"): ("constant", "reflect", "edge", "wrap"),
    ("Resize", "mode"): ("nearest", "linear", "cubic"),
    ("BitShift", "direction"): ("LEFT", "RIGHT"),
    ("DepthToSpace", "mode"): ("DCR", "CRD"),
    ("Gelu", "approximate"): ("none", "tanh"),
    ("RoiAlign", "mode"): ("avg", "max"),
    ("GridSample", "padding_mode"): ("zeros", "border", "reflection"),
    ("TensorScatter", "mode"): ("linear", "circular"),
} | {
    (operator, "auto_pad"): PADS
    for operator in ("AveragePool", "Conv", "ConvInteger", "ConvTranspose", "LpPool", "MaxPool")
}
"""Attributes of which ONNX lists the values."""


def check_operators(nodes: Iterable[ir.Node]) -> None:
    """Raise where an operator of the dialect works along an axis that its input does not have.

    So too where an attribute is none of the words that ONNX lists.

    Raises:
        ModelError: With the node.
    """
    for node in nodes:
        for name in () if node.domain else node.attributes:
            words = WORDS.get((node.op_type, name))
            if words is not None and (word := attribute(node, name, words[0])) not in words:
                raise _wrong(node, f"knows no {name} {quoted(word)}")
        terms = attribute(node, "equation", "").partition("->")[0].count(",") + 1
        if node.op_type == "Einsum" and not node.domain and terms != len(node.inputs):
            raise _wrong(node, f"has {len(node.inputs)} operands, its equation {terms}")
        rank = None if node.domain or not node.inputs else rank_of(node.inputs[0])
        if rank is None:
            continue
        for axis in _axes(node):
            if not -rank <= axis < max(rank, 1):
                raise _wrong(node, f"works along axis {axis} of a tensor of {rank} dimensions")
        ranks = {known for value in node.inputs if (known := rank_of(value)) is not None}
        if node.op_type == "Concat" and len(ranks) > 1:
            raise _wrong(node, f"joins tensors of {min(ranks)} and {max(ranks)} dimensions")
        if node.op_type == "Slice":
            sizes = {shape_of(operand(node, i)) for i in range(1, 5)} - {None}
            if len(sizes) > 1:
                raise _wrong(node, "has starts, ends, axes and steps of different number")


def _axes(node: ir.Node) -> Sequence[int]:
    if node.op_type in ALONG:
        axis: int | None = attribute(node, "axis", None)
        return () if axis is None else (axis,)
    place = AXES.get(node.op_type)
    return () if place is None else integers(operand(node, place)) or ()


def _wrong(node: ir.Node, problem: str) -> ModelError:
    return ModelError(
        f"{operator(node)} {quoted(node.name or '')} {problem}",
        help="the model is damaged, or its exporter wrong: export the network again",
    )
