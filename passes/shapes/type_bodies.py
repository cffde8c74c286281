"""Types and shapes of what goes from turn to turn of a loop."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.dialect import OPSET
from ...compiler.ir.trip_count import CONDITION, COUNTER, STATES
from ..base import graph_pass
from .infer_shapes import infer

Sizes = list[int | str | None]


@graph_pass(after=("infer_shapes",))
def type_bodies(graph: ir.Graph) -> int:
    """Give the inputs of a Loop's body the element types, and the sizes that no turn changes.

    Files need not tell them. A size is taken for that of the first turn, the body is inferred, and
    what comes out otherwise is not known; until nothing does. The Loop returns states of these
    sizes, and stacks of what its body is known to return: ONNX's inference asks for neither.
    """
    changed = 0
    for node in graph:
        if node.domain or node.op_type != "Loop":
            continue
        body = node.attributes["body"].as_graph()
        changed += _note(body.inputs[COUNTER], ir.DataType.INT64, [])
        changed += _note(body.inputs[CONDITION], ir.DataType.BOOL, [])
        given = [value for value in node.inputs[STATES:] if value is not None]
        shapes = _kept(body, given)
        for formal, value, shape in zip(body.inputs[STATES:], given, shapes, strict=True):
            if isinstance(value.type, ir.TensorType) and value.dtype is not None:
                changed += _note(formal, value.dtype, shape)
            elif value.type is not None and formal.type != value.type:
                formal.type = value.type
                changed += 1
        stacks = [_stack(value) for value in body.outputs[1 + len(given) :]]
        for value, shape in zip(node.outputs, [*shapes, *stacks], strict=True):
            changed += value.dtype is not None and _note(value, value.dtype, shape)
    return changed


def _kept(body: ir.Graph, given: Sequence[ir.Value]) -> list[Sizes | None]:
    """Return of each state the sizes that no turn changes; None where the rank does."""
    shapes = [_sizes(value) for value in given]
    while True:
        trial = body.clone(allow_outer_scope_values=True)
        for formal, value, shape in zip(trial.inputs[STATES:], given, shapes, strict=True):
            formal.type = value.type
            formal.shape = None if shape is None else ir.Shape(shape)
        infer(trial, OPSET, data_prop=False)
        results = [_sizes(value) for value in trial.outputs[1 : 1 + len(given)]]
        met = [_common(one, other) for one, other in zip(shapes, results, strict=True)]
        if met == shapes:
            return shapes
        shapes = met


def _sizes(value: ir.Value) -> Sizes | None:
    if value.shape is None:
        return None
    return [size if isinstance(size, int) else size.value for size in value.shape]


def _stack(value: ir.Value) -> Sizes | None:
    """Return the sizes of what a turn returns, stacked; names inside of a body tell nothing."""
    sizes = _sizes(value)
    if sizes is None:
        return None
    return [None, *(size if isinstance(size, int) else None for size in sizes)]


def _common(one: Sizes | None, other: Sizes | None) -> Sizes | None:
    if one is None or other is None or len(one) != len(other):
        return None
    return [a if a == b else None for a, b in zip(one, other, strict=True)]


def _note(value: ir.Value, dtype: ir.DataType, shape: Sizes | None) -> bool:
    """Give a value its type, and what is known of its shape; tell whether that is new."""
    before = _sizes(value)
    if before is not None and shape is not None and len(before) == len(shape):
        shape = [a if b is None else b for a, b in zip(before, shape, strict=True)]
    wanted = before if shape is None else shape
    if value.dtype == dtype and before == wanted:
        return False
    value.type = ir.TensorType(dtype)
    value.shape = None if wanted is None else ir.Shape(wanted)
    return True
