"""Pads of pools that MindSpore cannot express."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site, set_attribute, set_inputs


@dataclass(frozen=True)
class Axis:
    """How a window slides along one spatial axis.

    Attributes:
        kernel: Size of the window.
        stride: Step of the window.
        dilation: Distance of the elements that it takes.
        before: Elements added before the input.
        after: Elements added after it.
        size: Size of the input, None where unknown.
        output: Size of the output, None where unknown.
    """

    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    size: int | None
    output: int | None

    @property
    def reach(self) -> int:
        """Distance from the first element of a window to the last, and one."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def is_static(self) -> bool:
        """Whether the sizes of input and output are known."""
        return self.size is not None and self.output is not None

    def tight(self) -> "Axis":
        """Return the axis with as much pad at the end as makes its output without ceil_mode."""
        if self.size is None or self.output is None:
            return self
        needed = (self.output - 1) * self.stride + self.reach - self.size - self.before
        return replace(self, after=max(needed, 0))

    def counts(self, *, include_pads: bool) -> npt.NDArray[np.int64]:
        """Return by how many elements the sum of each window is divided."""
        size, output = self.size or 0, self.output or 0
        first, end = (-self.before, size + self.after) if include_pads else (0, size)
        starts = np.arange(output, dtype=np.int64) * self.stride - self.before
        taken = starts[:, None] + np.arange(self.kernel) * self.dilation
        return np.asarray(np.sum((taken >= first) & (taken < end), axis=1), np.int64)


@graph_pass(after=("explicit_window",))
def lower_pool_pads(graph: ir.Graph) -> int:
    """Give a pool with pads that differ between both ends, or are large, a Pad of its own.

    The pad is -inf for MaxPool. For AveragePool it is 0, and the mean over the window becomes the
    one over those elements that count, by a constant factor at each place of the output.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type not in ("MaxPool", "AveragePool") or len(node.outputs) > 1:
            continue
        axes = _axes(node)
        if axes is None:
            continue
        if not _is_expressible(axes) or _is_dilated_ceil(node) or _loses_rank(node, axes):
            lowered += _lower(Site(node, names), axes)
    return lowered


def _is_expressible(axes: Sequence[Axis]) -> bool:
    """Tell whether MindSpore takes the pads.

    nn.MaxPool2d and its like (2.10) know one number an axis, for both of its ends, and refuse more
    than half the kernel: `pads should be less equal to the half of ksize`.
    """
    return all(axis.before == axis.after <= axis.kernel // 2 for axis in axes)


def _loses_rank(node: ir.Node, axes: Sequence[Axis]) -> bool:
    """Tell whether MindSpore would no longer know the rank of a MaxPool's result.

    nn.MaxPool2d (2.10) pads by a pool of three dimensions and squeezes: of an input whose sizes are
    open GRAPH mode then has no rank, which ops.interpolate and others ask for.
    """
    padded = any(axis.before or axis.after for axis in axes)
    return node.op_type == "MaxPool" and padded and shape_of(operand(node, 0)) is None


def _is_dilated_ceil(node: ir.Node) -> bool:
    """Tell whether a mean with dilation is in ceil_mode: it becomes a convolution, which is not."""
    dilated = set(attribute(node, "dilations", (1,))) != {1}
    return node.op_type == "AveragePool" and dilated and bool(attribute(node, "ceil_mode", 0))


def _lower(site: Site, axes: Sequence[Axis]) -> bool:
    node, source = site.node, site[0]
    dtype = source.dtype if source is not None else None
    static = all(axis.is_static for axis in axes)
    ceil = bool(attribute(node, "ceil_mode", 0))
    average = node.op_type == "AveragePool"
    include = bool(attribute(node, "count_include_pad", 0))
    if dtype is None or (not static and (ceil or (average and not include))):
        return False
    tight = [axis.tight() for axis in axes]
    fits = _is_expressible(tight) and not _loses_rank(node, tight)
    if fits and not (average and include and ceil):
        _set_pads(node, tight)
        return True
    if average and (ceil or not include):
        _scale(site, axes, include, dtype)
    fill = None
    if not average:
        lowest = -np.inf if dtype.is_floating_point() else dtype.min
        fill = site.constant(lowest, "lowest", dtype)
    before, after = ([axis.before for axis in tight], [axis.after for axis in tight])
    pads = site.ints([0, 0, *before, 0, 0, *after], "pads")
    set_inputs(node, site.add("Pad", [source, pads, fill], mode="constant", dtype=dtype))
    _set_pads(node, [replace(axis, before=0, after=0) for axis in tight])
    if average:
        set_attribute(node, "count_include_pad", 1)
    return True


def _set_pads(node: ir.Node, axes: Sequence[Axis]) -> None:
    pads = [*(axis.before for axis in axes), *(axis.after for axis in axes)]
    set_attribute(node, "pads", pads)
    set_attribute(node, "ceil_mode", 0)


def _scale(site: Site, axes: Sequence[Axis], include: bool, dtype: ir.DataType) -> None:
    """Turn the mean over each whole window into that over the elements which count."""
    factor = np.ones((), np.float64)
    site.afford(*(axis.output or 0 for axis in axes))
    for axis in axes:
        site.afford(axis.output or 0, axis.kernel)
        counts = np.maximum(axis.counts(include_pads=include), 1)  # of pads alone: 0, not 0 / 0
        factor = factor[..., None] * (axis.kernel / counts)
    if (factor != 1).any():
        site.follow("Mul", site.constant(factor, "pad_factor", dtype))


def _axes(node: ir.Node) -> list[Axis] | None:
    kernel: tuple[int, ...] = attribute(node, "kernel_shape", ())
    rank = len(kernel)
    pads: tuple[int, ...] = attribute(node, "pads", (0,) * (2 * rank))
    if "auto_pad" in node.attributes and attribute(node, "auto_pad", "NOTSET") != "NOTSET":
        return None
    sizes, outputs = shape_of(operand(node, 0)), shape_of(node.outputs[0])
    return [
        Axis(
            kernel[i],
            attribute(node, "strides", (1,) * rank)[i],
            attribute(node, "dilations", (1,) * rank)[i],
            pads[i],
            pads[i + rank],
            sizes[i + 2] if sizes is not None else None,
            outputs[i + 2] if outputs is not None else None,
        )
        for i in range(rank)
    ]
