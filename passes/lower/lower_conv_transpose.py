"""Transposed convolutions by a weight that is computed."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.graph import attribute, is_constant, operand, shape_of
from ..base import graph_pass
from ..rewrite import TO_THE_END, Names, Site

INT64 = ir.DataType.INT64


@graph_pass(after=("explicit_window",))
def lower_conv_transpose(graph: ir.Graph) -> int:
    """Write a ConvTranspose by a computed weight as a Conv of the input with zeros between.

    Of the weight in and out channels change places, and it is read backwards. ops.conv_transpose2d
    of MindSpore 2.10 has no kernel on CPU; the layers keep their weight, and know no float64.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "ConvTranspose":
            continue
        known = all(is_constant(value) for value in node.inputs[1:] if value is not None)
        if known and node.outputs[0].dtype != ir.DataType.DOUBLE:
            continue
        image, weight = shape_of(operand(node, 0)), shape_of(operand(node, 1))
        unknown = "auto_pad" in node.attributes or "output_shape" in node.attributes
        if image is None or weight is None or unknown or 0 in (*image, *weight):
            continue
        _lower(Site(node, names), image, weight)
        lowered += 1
    return lowered


def _lower(site: Site, image: Sequence[int], weight: Sequence[int]) -> None:
    node, rank = site.node, len(image) - 2
    dtype = node.outputs[0].dtype or ir.DataType.FLOAT
    strides: tuple[int, ...] = attribute(node, "strides", (1,) * rank)
    dilations: tuple[int, ...] = attribute(node, "dilations", (1,) * rank)
    pads: tuple[int, ...] = attribute(node, "pads", (0,) * (2 * rank))
    extra: tuple[int, ...] = attribute(node, "output_padding", (0,) * rank)
    reach = [(size - 1) * step for size, step in zip(weight[2:], dilations, strict=True)]
    before = [r - pad for r, pad in zip(reach, pads[:rank], strict=True)]
    after = [r - pad + e for r, pad, e in zip(reach, pads[rank:], extra, strict=True)]
    value = _spread(site, image, strides, dtype)
    sides = site.ints([0, 0, *before, 0, 0, *after], "pads")
    padded = site.add("Pad", [value, sides], mode="constant", dtype=dtype)
    group = attribute(node, "group", 1)
    kernel = _turned(site, weight, group, dtype)
    inputs = [padded, kernel, *node.inputs[2:]]
    site.replace(
        site.add(
            "Conv",
            inputs,
            kernel_shape=list(weight[2:]),
            strides=[1] * rank,
            dilations=list(dilations),
            pads=[0] * (2 * rank),
            group=group,
            dtype=dtype,
        )
    )


def _spread(
    site: Site, image: Sequence[int], strides: Sequence[int], dtype: ir.DataType
) -> ir.Value | None:
    """Put zeros between the elements: one pad behind each on an axis of its own, cut at the end."""
    value = site[0]
    if set(strides) == {1}:
        return value
    apart: list[int] = []
    for size in image[2:]:
        apart += [size, 1]
    value = site.add("Reshape", [value, site.ints([*image[:2], *apart], "apart")], dtype=dtype)
    behind = [0] * (2 + len(apart))
    behind[3::2] = [step - 1 for step in strides]
    pads = site.ints([0] * len(behind) + behind, "zeros")
    value = site.add("Pad", [value, pads], mode="constant", dtype=dtype)
    sizes = [size * step for size, step in zip(image[2:], strides, strict=True)]
    value = site.add("Reshape", [value, site.ints([*image[:2], *sizes], "together")], dtype=dtype)
    rank = len(sizes)
    ends = [size - step + 1 for size, step in zip(sizes, strides, strict=True)]
    bounds = [site.ints([0] * rank, "starts"), site.ints(ends, "ends")]
    return site.add("Slice", [value, *bounds, site.ints(range(2, 2 + rank), "axes")], dtype=dtype)


def _turned(site: Site, weight: Sequence[int], group: int, dtype: ir.DataType) -> ir.Value | None:
    """Return the weight with its channels exchanged in every group, and read backwards."""
    value, rank = site[1], len(weight) - 2
    split = [group, weight[0] // group, *weight[1:]]
    if group > 1:
        value = site.add("Reshape", [value, site.ints(split, "groups")], dtype=dtype)
        order = [0, 2, 1, *range(3, 3 + rank)]
        value = site.add("Transpose", [value], perm=order, dtype=dtype)
        joined = [group * weight[1], weight[0] // group, *weight[2:]]
        value = site.add("Reshape", [value, site.ints(joined, "joined")], dtype=dtype)
    else:
        value = site.add("Transpose", [value], perm=[1, 0, *range(2, 2 + rank)], dtype=dtype)
    backwards = [
        site.ints([-1] * rank, "starts"),
        site.ints([-TO_THE_END] * rank, "ends"),
        site.ints(range(2, 2 + rank), "axes"),
        site.ints([-1] * rank, "steps"),
    ]
    return site.add("Slice", [value, *backwards], dtype=dtype)
