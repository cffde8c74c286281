"""A plain recurrent layer of one direction with all that ONNX can ask of it."""

from collections.abc import Callable

import mindspore as ms
from mindspore import ops


def run_rnn(
    x: ms.Tensor,
    w: ms.Tensor,
    r: ms.Tensor,
    b: ms.Tensor | None = None,
    h: ms.Tensor | None = None,
    lengths: ms.Tensor | None = None,
    activation: Callable[[ms.Tensor], ms.Tensor] = ops.tanh,
    clip: float | None = None,
) -> tuple[ms.Tensor, ms.Tensor]:
    """Run a plain recurrent layer over time, axis 0, as ONNX defines it.

    A sample longer than its length says adds zeros to the result and leaves the state alone.
    """
    size = r.shape[-1]
    empty = ops.zeros((x.shape[1], size), x.dtype)
    h = empty if h is None else h[0]
    inputs = ops.matmul(x, w[0].T)
    if b is not None:
        inputs = inputs + (b[0, :size] + b[0, size:])
    outputs = []
    for t in range(x.shape[0]):
        new = inputs[t] + ops.matmul(h, r[0].T)
        new = activation(new if clip is None else ops.clamp(new, -clip, clip))
        if lengths is None:
            h = new
            outputs.append(h)
        else:
            runs = ops.unsqueeze(lengths > t, 1)
            h = ops.where(runs, new, h)
            outputs.append(ops.where(runs, new, empty))
    return ops.unsqueeze(ops.stack(outputs), 1), ops.unsqueeze(h, 0)
