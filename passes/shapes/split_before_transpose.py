"""Axes that are split after a Transpose."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand, shape_of
from ...compiler.ir.provenance import inherit
from ..base import graph_pass
from ..rewrite import Names, Site, only_source, set_attribute, set_inputs


@graph_pass(after=("infer_shapes", "fold_constants"))
def split_before_transpose(graph: ir.Graph) -> int:
    """Split axes before a Transpose, where a reshape stands, not behind it.

    Both exporters join heads with the batch, transpose, and part them again.
    """
    moved = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Reshape":
            continue
        transpose = only_source(node, "Transpose")
        if transpose is not None and only_source(transpose, "Reshape") is not None:
            moved += _move(Site(node, names), transpose)
    return moved


def _move(site: Site, transpose: ir.Node) -> bool:
    node = site.node
    before, after = shape_of(operand(node, 0)), shape_of(node.outputs[0])
    perm: tuple[int, ...] = attribute(transpose, "perm", ())
    groups = None if before is None or after is None or not perm else split(before, after)
    source = operand(transpose, 0)
    if groups is None or source is None:
        return False
    by_axis: dict[int, list[int]] = dict(zip(perm, groups, strict=True))
    shape = [size for axis in range(len(perm)) for size in by_axis[axis]]
    starts = {axis: sum(len(by_axis[a]) for a in range(axis)) for axis in by_axis}
    parted = site.add("Reshape", [source, site.ints(shape, "parts")], dtype=source.dtype)
    parted.shape = ir.Shape(shape)
    inherit([node], [transpose, node])
    node.op_type = "Transpose"
    node.attributes.clear()
    places = [starts[axis] + i for axis in perm for i in range(len(by_axis[axis]))]
    set_attribute(node, "perm", places)
    set_inputs(node, parted)
    site.graph.remove(transpose, safe=True)
    return True


def split(before: Sequence[int], after: Sequence[int]) -> list[list[int]] | None:
    """Return for each size the sizes that it is split into; None if it is not split alone."""
    if 0 in before:
        return None
    groups: list[list[int]] = []
    rest = list(after)
    for size in before:
        group, product = list[int](), 1
        while rest and (product < size or not group):
            group.append(rest.pop(0))
            product *= group[-1]
        if product != size:
            return None
        groups.append(group)
    if any(size != 1 for size in rest):
        return None
    groups[-1] += rest
    return groups if len(after) > len(before) else None
