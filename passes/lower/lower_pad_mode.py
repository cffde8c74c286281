"""Pads that repeat elements along axes that MindSpore does not pad so."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, integers, operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site


@graph_pass(after=("fold_constants",))
def lower_pad_mode(graph: ir.Graph) -> int:
    """Write a Pad that repeats elements as a Gather along each axis, where MindSpore has none.

    ops.pad of MindSpore 2.10 repeats elements along the last two axes of three or four, the last
    three of five (not in mode reflect), or the only one but the first.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Pad" or attribute(node, "mode", "") in ("", "constant"):
            continue
        shape, pads = shape_of(operand(node, 0)), _pads(node)
        if shape is None or pads is None or is_expressible(node, pads):
            continue
        _lower(Site(node, names), shape, pads)
        lowered += 1
    return lowered


def is_expressible(node: ir.Node, pads: Sequence[tuple[int, int]]) -> bool:
    """Tell whether ops.pad of MindSpore 2.10 takes the axes of a Pad that repeats elements."""
    rank = len(pads)
    count = max((rank - axis for axis, sides in enumerate(pads) if any(sides)), default=1)
    most = 2 if attribute(node, "mode", "") == "reflect" else 3
    return 2 <= rank <= 5 and count < rank and max(count, rank - 2) <= most


def _pads(node: ir.Node) -> list[tuple[int, int]] | None:
    """Return the pads at both ends of every axis; None if they are computed."""
    shape, given = shape_of(operand(node, 0)), integers(operand(node, 1))
    if shape is None or given is None:
        return None
    axes: Sequence[int] = range(len(shape))
    if operand(node, 3) is not None:
        found = integers(operand(node, 3))
        if found is None:
            return None
        axes = [axis_of(axis, len(shape)) for axis in found]
    pads = [(0, 0)] * len(shape)
    for index, axis in enumerate(axes):
        pads[axis] = given[index], given[index + len(given) // 2]
    return pads


def _lower(site: Site, shape: Sequence[int], pads: Sequence[tuple[int, int]]) -> None:
    value, node = site[0], site.node
    for axis, (before, after) in enumerate(pads):
        if not before and not after:
            continue
        site.afford(shape[axis] + abs(before) + abs(after))
        kept = np.arange(shape[axis])[max(-before, 0) : shape[axis] + min(after, 0)]
        sides = max(before, 0), max(after, 0)
        match attribute(node, "mode", "constant"):
            case "reflect":
                picked = np.pad(kept, sides, "reflect")
            case "edge":
                picked = np.pad(kept, sides, "edge")
            case _:
                picked = np.pad(kept, sides, "wrap")
        indices = site.ints(picked.tolist(), "indices")
        value = site.add("Gather", [value, indices], axis=axis, dtype=node.outputs[0].dtype)
    if value is not None:
        site.replace(value)
