"""A slice along axes that are counted when the network runs."""

import mindspore as ms
from mindspore import ops


def slice_axes(
    x: ms.Tensor,
    starts: ms.Tensor,
    ends: ms.Tensor,
    axes: ms.Tensor | None = None,
    steps: ms.Tensor | None = None,
) -> ms.Tensor:
    """Return what Python's own slices take of x, axis by axis.

    GRAPH mode of MindSpore 2.10 slices a range by computed bounds, but wrongly.
    """
    for i in range(starts.shape[0]):
        axis = i if axes is None else int(axes[i]) % x.ndim
        size = x.shape[axis]
        step = ops.ones((), ms.int64) if steps is None else steps[i].astype(ms.int64)
        backwards = (step < 0).astype(ms.int64)
        low, high = -backwards, size - backwards
        start, end = starts[i].astype(ms.int64), ends[i].astype(ms.int64)
        start = ops.minimum(ops.maximum(ops.where(start < 0, start + size, start), low), high)
        end = ops.minimum(ops.maximum(ops.where(end < 0, end + size, end), low), high)
        reach = ops.where(step < 0, start - end, end - start)
        count = ops.relu((reach + ops.abs(step) - 1) // ops.abs(step))
        x = ops.gather(x, start + ops.arange(int(count)) * step, axis)
    return x
