"""Kernels, strides and pads in numbers."""

import math
from collections.abc import Iterator, Sequence

import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import set_attribute

SLIDING = ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool")

Pads = tuple[list[int], list[int]]
"""Elements added before and after each spatial axis."""


@graph_pass(after=("infer_shapes",))
def explicit_window(graph: ir.Graph) -> int:
    """Write out kernel, strides, dilations and pads of convolutions and pools.

    What auto_pad or output_shape asks for becomes numbers, where the shapes are known.
    """
    changed = 0
    for node in graph:
        if not node.domain and node.op_type in SLIDING:
            changed += _spell_out(node)
    return changed


def _spell_out(node: ir.Node) -> bool:
    kernel = _kernel(node)
    if kernel is None:
        return False
    ones = (1,) * len(kernel)
    wanted: dict[str, Sequence[int]] = {
        "kernel_shape": kernel,
        "strides": attribute(node, "strides", ones),
        "dilations": attribute(node, "dilations", ones),
    }
    pads = _pads(node, wanted)
    if pads is not None:
        wanted["pads"] = [*pads[0], *pads[1]]
        node.attributes.pop("auto_pad", None)
        node.attributes.pop("output_shape", None)
    changed = False
    for name, numbers in wanted.items():
        if tuple(attribute(node, name, ())) != tuple(numbers):
            set_attribute(node, name, list(numbers))
            changed = True
    return changed


def _kernel(node: ir.Node) -> tuple[int, ...] | None:
    given: tuple[int, ...] | None = attribute(node, "kernel_shape", None)
    weight = shape_of(operand(node, 1)) if node.op_type in ("Conv", "ConvTranspose") else None
    return given or (weight[2:] if weight is not None else None)


def _pads(node: ir.Node, window: dict[str, Sequence[int]]) -> Pads | None:
    """Return the pads a node asks for; None where they depend on a dimension that is unknown."""
    mode = attribute(node, "auto_pad", "NOTSET")
    rank = len(window["kernel_shape"])
    if "output_shape" in node.attributes or (
        node.op_type == "ConvTranspose" and mode.startswith("SAME")
    ):
        return _pads_of_output(node, window, mode)
    if mode == "NOTSET":
        pads: tuple[int, ...] = attribute(node, "pads", (0,) * (2 * rank))
        return list(pads[:rank]), list(pads[rank:])
    if mode == "VALID":
        return [0] * rank, [0] * rank
    totals: list[int] = []
    for axis, (kernel, stride, dilation) in enumerate(_axes(window)):
        reach = (kernel - 1) * dilation + 1
        size = _dimension(operand(node, 0), axis)
        if size is not None:
            totals.append(max((math.ceil(size / stride) - 1) * stride + reach - size, 0))
        elif stride == 1:
            totals.append(reach - 1)
        else:
            return None
    return _split(totals, upper=mode == "SAME_UPPER")


def _pads_of_output(node: ir.Node, window: dict[str, Sequence[int]], mode: str) -> Pads | None:
    """Return the pads that give a ConvTranspose the output that it asks for."""
    rank = len(window["kernel_shape"])
    wanted: tuple[int, ...] | None = attribute(node, "output_shape", None)
    extra: tuple[int, ...] = attribute(node, "output_padding", (0,) * rank)
    totals, more = list[int](), list[int]()
    for axis, (kernel, stride, dilation) in enumerate(_axes(window)):
        size = _dimension(operand(node, 0), axis)
        if size is None:
            return None
        output = size * stride if wanted is None else wanted[axis - rank]
        total = stride * (size - 1) + extra[axis] + (kernel - 1) * dilation + 1 - output
        more.append(max(-total, 0))
        totals.append(max(total, 0))
    if any(more):  # an output that is larger than what the kernel reaches: zeros behind it
        longer = [size + surplus for size, surplus in zip(extra, more, strict=True)]
        set_attribute(node, "output_padding", longer)
    return _split(totals, upper=mode == "SAME_UPPER")


def _axes(window: dict[str, Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    return zip(window["kernel_shape"], window["strides"], window["dilations"], strict=True)


def _dimension(value: ir.Value | None, axis: int) -> int | None:
    if value is None or value.shape is None or (rank_of(value) or 0) <= axis + 2:
        return None
    dimension = value.shape[axis + 2]
    return dimension if isinstance(dimension, int) else None


def _split(totals: list[int], *, upper: bool) -> Pads:
    """Divide pads between the two ends; the odd one stands at the upper end or at the lower."""
    less, more = [total // 2 for total in totals], [total - total // 2 for total in totals]
    return (less, more) if upper else (more, less)
