"""Transposed convolutions that MindSpore cannot express or gets wrong."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute
from ..base import graph_pass
from ..rewrite import TO_THE_END, Names, Site, set_attribute, set_inputs


@graph_pass(after=("explicit_window",))
def lower_output_padding(graph: ir.Graph) -> int:
    """Write a ConvTranspose with pads as one without, and a Slice of what it makes.

    MindSpore 2.10: nn.Conv2dTranspose with output_padding and pads leaves the last rows and columns
    0; nn.Conv1dTranspose knows neither output_padding nor pads that differ between both ends.
    nn.Conv3dTranspose is right.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "ConvTranspose":
            continue
        if "auto_pad" in node.attributes or "output_shape" in node.attributes:  # of unknown shape
            continue
        rank = len(attribute(node, "kernel_shape", ()))
        pads: tuple[int, ...] = attribute(node, "pads", (0,) * (2 * rank))
        extra: tuple[int, ...] = attribute(node, "output_padding", (0,) * rank)
        uneven = pads[:rank] != pads[rank:]
        if (rank == 1 and (uneven or any(extra))) or (rank == 2 and any(extra) and any(pads)):
            _lower(Site(node, names), pads[:rank], pads[rank:], extra)
            lowered += 1
    return lowered


def _lower(
    site: Site, before: tuple[int, ...], after: tuple[int, ...], extra: tuple[int, ...]
) -> None:
    """Cut the wanted part out of the whole output, which a zero behind the input makes longer."""
    node, rank = site.node, len(before)
    strides: tuple[int, ...] = attribute(node, "strides", (1,) * rank)
    surplus = [end - more for end, more in zip(after, extra, strict=True)]
    zeros = [
        -(less // step) if less < 0 else 0 for less, step in zip(surplus, strides, strict=True)
    ]
    surplus = [less + n * step for less, n, step in zip(surplus, zeros, strides, strict=True)]
    if any(zeros):
        pads = site.ints([0, 0] + [0] * rank + [0, 0, *zeros], "pads")
        padded = site.add("Pad", [site[0], pads], mode="constant")
        set_inputs(node, padded, *node.inputs[1:])
    set_attribute(node, "pads", [0] * (2 * rank))
    node.attributes.pop("output_padding", None)
    ends = [-less if less else TO_THE_END for less in surplus]
    starts, stops = site.ints(before, "starts"), site.ints(ends, "ends")
    site.follow("Slice", starts, stops, site.ints(range(2, 2 + rank), "axes"))
