"""An assignment to a part of a tensor."""

import mindspore as ms


def slice_scatter(x: ms.Tensor, index: tuple[slice, ...], source: ms.Tensor | float) -> ms.Tensor:
    """Return x with `source`, which is broadcast, in the place of x[index]."""
    out = x.copy()
    out[index] = source
    return out
