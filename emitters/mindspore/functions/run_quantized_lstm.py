"""An LSTM whose weights are integers; what they multiply is quantized by its own range.

The sequence is at once, the state at each step, and the bias is added last, as in onnxruntime.
The gates are computed in float64: by ops.tanh of MindSpore 2.10, which is wrong by 1e-4 in
float32, states would be rounded to other integers. The loop is a `while` over a computed number,
which GRAPH mode does not unroll, so that the length of the sequence may be open.
"""

import mindspore as ms
from mindspore import ops

from .put_row import put_row
from .quantize_dynamically import quantize_dynamically


def run_quantized_lstm(
    x: ms.Tensor,
    w: ms.Tensor,
    r: ms.Tensor,
    w_scale: ms.Tensor,
    r_scale: ms.Tensor,
    b: ms.Tensor | None = None,
    h: ms.Tensor | None = None,
    c: ms.Tensor | None = None,
    lengths: ms.Tensor | None = None,
    w_zero_point: ms.Tensor | None = None,
    r_zero_point: ms.Tensor | None = None,
    backwards: bool = False,
) -> tuple[ms.Tensor, ms.Tensor, ms.Tensor]:
    """Run an LSTM of integer weights (direction, in, gates i, o, f, c) over time, axis 0."""
    size = r.shape[1]
    empty = ops.zeros((x.shape[1], size), x.dtype)
    outputs, states, cells = [], [], []
    for d in range(w.shape[0]):
        state = empty if h is None else h[d]
        cell = empty if c is None else c[d]
        w_wide, r_wide = w[d].astype(ms.int32), r[d].astype(ms.int32)
        w_wide = w_wide if w_zero_point is None else w_wide - w_zero_point[d].astype(ms.int32)
        r_wide = r_wide if r_zero_point is None else r_wide - r_zero_point[d].astype(ms.int32)
        whole, scale, zero = quantize_dynamically(x)
        whole = whole.astype(ms.int32) - zero.astype(ms.int32)
        inputs = ops.matmul(whole, w_wide).astype(x.dtype) * (scale * w_scale[d])
        reverse = backwards or d == 1
        if reverse and lengths is None:
            inputs = ops.flip(inputs, (0,))
        elif reverse:
            inputs = ops.reverse_sequence(inputs, lengths, 0, 1)
        result = ops.zeros_like(inputs[:, :, :size])
        turn = ops.zeros((), ms.int64)
        while turn < x.shape[0]:
            whole, scale, zero = quantize_dynamically(state)
            whole = whole.astype(ms.int32) - zero.astype(ms.int32)
            past = ops.matmul(whole, r_wide).astype(x.dtype) * (scale * r_scale[d])
            gates = ops.gather(inputs, turn, 0) + past
            if b is not None:
                gates = gates + (b[d, : 4 * size] + b[d, 4 * size :])
            i, o, f, new = ops.split(gates.astype(ms.float64), size, axis=1)
            new_cell = ops.sigmoid(f) * cell + ops.sigmoid(i) * ops.tanh(new)
            new_state = (ops.sigmoid(o) * ops.tanh(new_cell)).astype(x.dtype)
            new_cell = new_cell.astype(x.dtype)
            if lengths is None:
                state, cell = new_state, new_cell
                result = put_row(result, turn, state)
            else:
                runs = ops.unsqueeze(lengths > turn, 1)
                state, cell = ops.where(runs, new_state, state), ops.where(runs, new_cell, cell)
                result = put_row(result, turn, ops.where(runs, new_state, empty))
            turn = turn + 1
        if reverse and lengths is None:
            result = ops.flip(result, (0,))
        elif reverse:
            result = ops.reverse_sequence(result, lengths, 0, 1)
        outputs.append(result)
        states.append(state)
        cells.append(cell)
    return ops.stack(outputs, 1), ops.stack(states), ops.stack(cells)
