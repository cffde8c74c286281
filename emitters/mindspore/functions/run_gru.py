"""A GRU of one direction with all that ONNX can ask of it."""

from collections.abc import Callable

import mindspore as ms
from mindspore import ops


def run_gru(
    x: ms.Tensor,
    w: ms.Tensor,
    r: ms.Tensor,
    b: ms.Tensor | None = None,
    h: ms.Tensor | None = None,
    lengths: ms.Tensor | None = None,
    activations: tuple[Callable[[ms.Tensor], ms.Tensor], ...] = (ops.sigmoid, ops.tanh),
    clip: float | None = None,
    linear_before_reset: bool = False,
) -> tuple[ms.Tensor, ms.Tensor]:
    """Run a GRU over time, axis 0, as ONNX defines it; its gates are z, r, h.

    A sample longer than its length says adds zeros to the result and leaves the state alone.
    """
    gate, squash = activations
    size = r.shape[-1]
    empty = ops.zeros((x.shape[1], size), x.dtype)
    h = empty if h is None else h[0]
    bias = ops.zeros((6 * size,), x.dtype) if b is None else b[0]
    inputs = ops.matmul(x, w[0].T) + bias[: 3 * size]
    outputs = []
    for t in range(x.shape[0]):
        gates = inputs[t][:, : 2 * size] + ops.matmul(h, r[0, : 2 * size].T)
        gates = gates + bias[3 * size : 5 * size]
        gates = gate(gates if clip is None else ops.clamp(gates, -clip, clip))
        update, reset = gates[:, :size], gates[:, size:]
        if linear_before_reset:
            past = reset * (ops.matmul(h, r[0, 2 * size :].T) + bias[5 * size :])
        else:
            past = ops.matmul(reset * h, r[0, 2 * size :].T) + bias[5 * size :]
        new = inputs[t][:, 2 * size :] + past
        new = squash(new if clip is None else ops.clamp(new, -clip, clip))
        new = (1 - update) * new + update * h
        if lengths is None:
            h = new
            outputs.append(h)
        else:
            runs = ops.unsqueeze(lengths > t, 1)
            h = ops.where(runs, new, h)
            outputs.append(ops.where(runs, new, empty))
    return ops.unsqueeze(ops.stack(outputs), 1), ops.unsqueeze(h, 0)
