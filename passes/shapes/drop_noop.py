"""Operators that, here, change nothing."""

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, constant, integers, operand, scalar
from ...compiler.ir.provenance import KEY
from ...compiler.ir.sizes.analysis import known_shape
from ..base import graph_pass
from ..rewrite import bypass

MOVERS = frozenset(("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile"))
"""Operators that leave the elements as they are if they leave the shape as it is."""


def _keeps_shape(node: ir.Node) -> bool:
    before, after = known_shape(operand(node, 0)), known_shape(node.outputs[0])
    return before is not None and before == after


def _keeps_type(node: ir.Node) -> bool:
    source = operand(node, 0)
    return source is not None and source.dtype == attribute(node, "to", 0)


def _keeps_order(node: ir.Node) -> bool:
    perm: tuple[int, ...] | None = attribute(node, "perm", None)
    return perm is not None and perm == tuple(range(len(perm)))


def _has_one_input(node: ir.Node) -> bool:
    return len(node.inputs) == 1


def _pads_nothing(node: ir.Node) -> bool:
    pads = integers(operand(node, 1))
    return pads is not None and not any(pads)


def _takes_all(node: ir.Node) -> bool:
    steps = operand(node, 4)
    forwards = steps is None or all(step > 0 for step in integers(steps) or (0,))
    return forwards and _keeps_shape(node)


def _splits_nothing(node: ir.Node) -> bool:
    return len(node.outputs) == 1


def _has_blocks_of_one(node: ir.Node) -> bool:
    """Tell whether blocks are single elements; MindSpore refuses them."""
    return attribute(node, "blocksize", 0) == 1


def _scales_by_one(node: ir.Node) -> bool:
    crops = attribute(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize"
    scales = operand(node, 2)
    exact = scales is None or (
        (factors := constant(scales)) is not None and bool(np.all(np.equal(factors, 1)))
    )
    return not crops and exact and _keeps_shape(node)


NEUTRAL = {"Add": 0, "Sub": 0, "Mul": 1, "Div": 1}
"""Operators to the operand that changes nothing."""


def _is_neutral(node: ir.Node) -> bool:
    """Tell whether the second operand is that one; a parameter may become another in training."""
    other = operand(node, 1)
    if other is None or KEY in other.metadata_props or not _keeps_shape(node):
        return False
    return scalar(other) == NEUTRAL[node.op_type]


NOOPS: dict[str, Callable[[ir.Node], bool]] = {
    **dict.fromkeys(MOVERS, _keeps_shape),
    **dict.fromkeys(("Concat", "Sum", "Mean", "Max", "Min"), _has_one_input),
    **dict.fromkeys(NEUTRAL, _is_neutral),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), _has_blocks_of_one),
    "Cast": _keeps_type,
    "Transpose": _keeps_order,
    "Pad": _pads_nothing,
    "Slice": _takes_all,
    "Split": _splits_nothing,
    "Resize": _scales_by_one,
}
"""By operator, the question whether a node of it changes nothing."""


@graph_pass(after=("infer_shapes",))
def drop_noop(graph: ir.Graph) -> int:
    """Let readers pass over an operator that changes nothing: a Cast to the same type and its like.

    Dropout stays, though it does nothing in inference: the network is also trained.
    """
    dropped = 0
    for node in list(graph):
        changes_nothing = NOOPS.get(node.op_type)
        if node.domain or changes_nothing is None or not changes_nothing(node):
            continue
        bypass(node)
        dropped += 1
    return dropped
