"""An LSTM of one direction with all that ONNX can ask of it."""

from collections.abc import Callable

import mindspore as ms
from mindspore import ops


def run_lstm(
    x: ms.Tensor,
    w: ms.Tensor,
    r: ms.Tensor,
    b: ms.Tensor | None = None,
    h: ms.Tensor | None = None,
    c: ms.Tensor | None = None,
    peepholes: ms.Tensor | None = None,
    lengths: ms.Tensor | None = None,
    activations: tuple[Callable[[ms.Tensor], ms.Tensor], ...] = (ops.sigmoid, ops.tanh, ops.tanh),
    clip: float | None = None,
    coupled: bool = False,
) -> tuple[ms.Tensor, ms.Tensor, ms.Tensor]:
    """Run an LSTM over time, axis 0, as ONNX defines it; its gates are i, o, f, c.

    A sample longer than its length says adds zeros to the result and leaves the states alone.
    """
    gate, squash, squash_cell = activations
    size = r.shape[-1]
    empty = ops.zeros((x.shape[1], size), x.dtype)
    h = empty if h is None else h[0]
    c = empty if c is None else c[0]
    inputs = ops.matmul(x, w[0].T)
    if b is not None:
        inputs = inputs + (b[0, : 4 * size] + b[0, 4 * size :])
    outputs = []
    for t in range(x.shape[0]):
        i, o, f, new = ops.split(inputs[t] + ops.matmul(h, r[0].T), size, axis=1)
        if peepholes is not None:
            i = i + peepholes[0, :size] * c
            f = f + peepholes[0, 2 * size :] * c
        if clip is not None:
            i, f, new = [ops.clamp(value, -clip, clip) for value in (i, f, new)]
        i = gate(i)
        f = 1 - i if coupled else gate(f)
        new_c = f * c + i * squash(new)
        if peepholes is not None:
            o = o + peepholes[0, size : 2 * size] * new_c
        if clip is not None:
            o = ops.clamp(o, -clip, clip)
        new_h = gate(o) * squash_cell(new_c)
        if lengths is None:
            h, c = new_h, new_c
            outputs.append(h)
        else:
            runs = ops.unsqueeze(lengths > t, 1)
            h, c = ops.where(runs, new_h, h), ops.where(runs, new_c, c)
            outputs.append(ops.where(runs, new_h, empty))
    return ops.unsqueeze(ops.stack(outputs), 1), ops.unsqueeze(h, 0), ops.unsqueeze(c, 0)
