"""Pads of convolutions that depend on an open size."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, rank_of
from ..base import graph_pass
from ..rewrite import Site, set_attribute, set_inputs, sites

INT64 = ir.DataType.INT64


@graph_pass(after=("explicit_window",))
def lower_same_pads(graph: ir.Graph) -> int:
    """Write the pads of a Conv that auto_pad computes as a Pad before it, where sizes are open.

    So many are added to n elements that ceil(n / stride) windows fit: (-n mod stride) + reach -
    stride, at least 0, for a kernel that reaches over (kernel - 1) dilation + 1.
    """
    lowered = 0
    for site in sites(graph, "Conv"):
        node = site.node
        mode, kernel = attribute(node, "auto_pad", "NOTSET"), attribute(node, "kernel_shape", ())
        if mode.startswith("SAME") and kernel and rank_of(site[0]) == len(kernel) + 2:
            _lower(site, kernel, upper=mode == "SAME_UPPER")
            lowered += 1
    return lowered


def _lower(site: Site, kernel: tuple[int, ...], *, upper: bool) -> None:
    node, axes = site.node, len(kernel)
    strides = attribute(node, "strides", (1,) * axes)
    dilations = attribute(node, "dilations", (1,) * axes)
    spare = [
        (size - 1) * dilation + 1 - stride
        for size, dilation, stride in zip(kernel, dilations, strides, strict=True)
    ]
    sizes = site.add("Shape", [site[0]], start=2, end=axes + 2, dtype=INT64)
    sizes.shape = ir.Shape([axes])
    below = site.add("Neg", [sizes], dtype=INT64)
    missing = site.add("Mod", [below, site.ints(strides, "strides")], dtype=INT64)
    total = site.add("Add", [missing, site.ints(spare, "spare")], dtype=INT64)
    if min(spare) < 0:
        total = site.add("Max", [total, site.ints([0] * axes, "none")], dtype=INT64)
    less = site.add("Div", [total, site.ints([2] * axes, "two")], dtype=INT64)
    more = site.add("Sub", [total, less], dtype=INT64)
    nothing = site.ints([0, 0], "nothing")
    ends = [nothing, less, nothing, more] if upper else [nothing, more, nothing, less]
    pads = site.add("Concat", ends, axis=0, dtype=INT64)
    pads.shape = ir.Shape([2 * axes + 4])
    padded = site.add("Pad", [site[0], pads], dtype=node.outputs[0].dtype)
    set_inputs(node, padded, *node.inputs[1:])
    node.attributes.pop("auto_pad")
    set_attribute(node, "pads", [0] * (2 * axes))
