"""Pads that are computed, of elements that repeat or along axes that are computed."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, integers, is_constant, operand, rank_of
from ...compiler.ir.sizes.inference import analyse, is_open
from ..base import graph_pass
from ..rewrite import Names, Site, set_inputs

INT64 = ir.DataType.INT64


@graph_pass(after=("infer_shapes",))
def lower_computed_pad(graph: ir.Graph) -> int:
    """Write a Pad by computed pads with a pad for every axis, or as a Gather along each axis.

    The element at i of n, counted before the first and behind the last: of mode edge min(max(i, 0),
    n - 1), of wrap i mod n, of reflect n - 1 - |n - 1 - (i mod 2 (n - 1))|.
    """
    lowered = 0
    names = Names(graph)
    nodes = [node for node in graph if not node.domain and node.op_type == "Pad"]
    sizes = analyse(graph) if nodes and is_open(graph) else None
    for node in nodes:
        rank, axes = rank_of(operand(node, 0)), operand(node, 3)
        pads = operand(node, 1)
        known = is_constant(pads) or (sizes is not None and sizes.integers(pads) is not None)
        computed = not known or (axes is not None and not is_constant(axes))
        if rank is None or not computed:
            continue
        site = Site(node, names)
        if axes is not None:
            _spread(site, rank)
            lowered += 1
        if attribute(node, "mode", "constant") != "constant":
            _lower(site, rank)
            lowered += 1
    return lowered


def _spread(site: Site, rank: int) -> None:
    """Give every axis its pads; those that are not named have none."""
    node, axes = site.node, site[3]
    found = integers(axes)
    if found is not None:
        places = site.ints([axis_of(axis, rank) for axis in found], "places")
    else:
        shifted = site.add("Add", [axes, site.ints([rank], "rank")], dtype=INT64)
        places = site.add("Mod", [shifted, site.ints([rank], "rank")], dtype=INT64)
    column = site.add("Unsqueeze", [places, site.ints([1], "column")], dtype=INT64)
    both = site.add("Reshape", [site[1], site.ints([2, -1], "both")], dtype=INT64)
    by_axis = site.add("Transpose", [both], perm=[1, 0], dtype=INT64)
    nothing = site.constant([[0, 0]] * rank, "nothing", INT64)
    full = site.add("ScatterND", [nothing, column, by_axis], dtype=INT64)
    starts_first = site.add("Transpose", [full], perm=[1, 0], dtype=INT64)
    pads = site.add("Reshape", [starts_first, site.ints([2 * rank], "all")], dtype=INT64)
    pads.shape = ir.Shape([2 * rank])
    set_inputs(node, site[0], pads, site[2])


def _lower(site: Site, rank: int) -> None:
    value, node = site[0], site.node
    shape = site.add("Shape", [value], dtype=INT64)
    for axis in range(rank):
        before, after, size = (
            site.add("Gather", [source, site.constant(index, "at", INT64)], axis=0, dtype=INT64)
            for source, index in ((site[1], axis), (site[1], axis + rank), (shape, axis))
        )
        first = site.add("Neg", [before], dtype=INT64)
        end = site.add("Add", [size, after], dtype=INT64)
        one, zero = site.constant(1, "one", INT64), site.constant(0, "zero", INT64)
        places = site.add("Range", [first, end, one], dtype=INT64)
        last = site.add("Sub", [size, one], dtype=INT64)
        match attribute(node, "mode", "constant"):
            case "edge":
                picked = site.add("Max", [places, zero], dtype=INT64)
                picked = site.add("Min", [picked, last], dtype=INT64)
            case "wrap":
                picked = site.add("Mod", [places, size], dtype=INT64)
            case _:
                period = site.add("Add", [last, last], dtype=INT64)
                period = site.add("Max", [period, one], dtype=INT64)
                rest = site.add("Mod", [places, period], dtype=INT64)
                distance = site.add(
                    "Abs", [site.add("Sub", [last, rest], dtype=INT64)], dtype=INT64
                )
                picked = site.add("Sub", [last, distance], dtype=INT64)
        picked.shape = ir.Shape([None])
        value = site.add("Gather", [value, picked], axis=axis, dtype=node.outputs[0].dtype)
    assert value is not None, "Pad has an input"
    site.replace(value)
