"""Branches of which only one has a rank that what is behind can read."""

from typing import cast

import onnx
import onnx.shape_inference
import onnx_ir as ir

from ...compiler.ir.dialect import OPSET
from ...compiler.ir.graph import (
    attribute,
    axis_of,
    integers,
    operand,
    rank_of,
    scalar,
)
from ..base import graph_pass
from ..rewrite import sites
from ..skeleton import nested, skeleton
from .fold_constants import fold_constants
from .fold_sizes import fold_sizes
from .infer_shapes import infer_shapes
from .inline_if import inline_if

ROUNDS = 8
"""So often the passes are run that find out what follows from a rank."""


@graph_pass(after=("inline_if",))
def squeeze_branch(graph: ir.Graph) -> int:
    """Squeeze without asking whether a dimension is 1, where nothing could read another rank.

    PyTorch's legacy exporter writes `x.squeeze(1)` as If(size == 1, Squeeze(x), x), as the rank of
    the result depends on it. If what reads the result has no meaning for the other rank, a Conv or
    an LSTM, the model fails for other sizes, and so does the Squeeze.
    """
    squeezed = 0
    for site in sites(graph, "If"):
        axis = _axis(site.node)
        if axis is None or _fits(graph, site.node, squeezed=False):
            continue
        if _fits(graph, site.node, squeezed=True):
            value = _value(site.node)
            axes = site.ints([axis], "axes")
            dtype = None if value is None else value.dtype
            site.replace(site.add("Squeeze", [value, axes], dtype=dtype))
            squeezed += 1
    return squeezed


def _value(node: ir.Node) -> ir.Value | None:
    """Return what an If squeezes or not."""
    (result,) = node.attributes["then_branch"].as_graph().outputs
    maker = result.producer()
    return None if maker is None or maker.op_type != "Squeeze" else operand(maker, 0)


def _axis(node: ir.Node) -> int | None:
    """Return the axis that an If squeezes or not, if its size decides that and nothing else."""
    yes, no = (node.attributes[f"{name}_branch"].as_graph() for name in ("then", "else"))
    if len(yes) != 1 or len(no) > 1 or len(yes.outputs) != 1:
        return None
    value = _value(node)
    rank, axes = rank_of(value), integers(operand(yes[0], 1))
    other: ir.Value | None = no.outputs[0]
    if value is None or rank is None or axes is None or len(axes) != 1:
        return None
    same = no.outputs[0].producer()
    if same is not None and same.graph is no:
        other = same.inputs[0] if same.op_type == "Identity" else None
    axis = axis_of(axes[0], rank)
    return axis if other is value and _asks(operand(node, 0), value, axis, rank) else None


def _asks(condition: ir.Value | None, value: ir.Value, axis: int, rank: int) -> bool:
    """Tell whether a condition is that a dimension of a value is 1."""
    equal = _maker(condition, "Equal")
    if equal is None or scalar(operand(equal, 1)) != 1:
        return False
    gather = _maker(operand(equal, 0), "Gather")
    index = None if gather is None else integers(operand(gather, 1))
    if gather is None or index is None or len(index) != 1 or attribute(gather, "axis", 0):
        return False
    shape = _maker(operand(gather, 0), "Shape")
    whole = shape is not None and not shape.attributes.keys() & {"start", "end"}
    return whole and operand(cast("ir.Node", shape), 0) is value and axis_of(index[0], rank) == axis


def _maker(value: ir.Value | None, op_type: str) -> ir.Node | None:
    maker = None if value is None else value.producer()
    return maker if maker is not None and maker.op_type == op_type and not maker.domain else None


def _fits(graph: ir.Graph, node: ir.Node, *, squeezed: bool) -> bool:
    """Tell whether a graph has a meaning if an If of it goes one way, as far as that is known."""
    trial = graph.clone(allow_outer_scope_values=True)
    place = list(graph).index(node)
    condition = ir.tensor([squeezed] if rank_of(operand(node, 0)) else squeezed)
    name = "condition of the trial"
    known = ir.Value(name=name, const_value=condition)
    known.type, known.shape = ir.TensorType(ir.DataType.BOOL), ir.Shape(condition.shape.numpy())
    trial.register_initializer(known)
    trial[place].replace_input_with(0, known)
    for _ in range(ROUNDS):
        passes = (inline_if, infer_shapes, fold_constants, fold_sizes)
        if not sum(item(inner) for item in passes for inner in nested(trial)):
            break
    opsets = {item.domain: 1 for item in trial if item.domain} | {"": OPSET}
    proto = skeleton(trial, opsets=opsets).proto
    try:
        onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError:
        return False
    return True
