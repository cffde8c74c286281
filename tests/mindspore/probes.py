"""What MindSpore computes where it is known to be silently wrong: `probes.py MODE`.

Prints JSON: by name an empty text where MindSpore is right, else what it says.
"""

import json
import os
import sys
from collections.abc import Callable

import mindspore as ms
import numpy as np
import numpy.typing as npt
from mindspore import nn, ops

INF, NAN = float("inf"), float("nan")
RAMP = np.arange(6).reshape(1, 6)
MASKED = [[-INF, -INF, -INF], [0, 0, 0], [1, 1, 1]]

Probe = tuple[Callable[..., ms.Tensor], list[npt.ArrayLike], npt.ArrayLike]


class Function(nn.Cell):
    """A function as a network, which GRAPH mode compiles."""

    def __init__(self, function: Callable[..., ms.Tensor]) -> None:
        super().__init__()
        self.function = function

    def construct(self, *inputs):
        return self.function(*inputs)


class Upsampling(nn.Cell):
    """A transposed convolution whose last row is beyond what its kernel reaches evenly."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2dTranspose(
            1, 1, 3, 2, pad_mode="pad", padding=1, output_padding=1, weight_init="ones"
        )

    def construct(self, x):
        return self.layer(x)[:, :, 5]


def amax(x):
    return ops.amax(x, 1)


def logsumexp(x):
    return ops.logsumexp(x, 1)


def softmax(x):
    return ops.softmax(x, -1)


def full(x):
    return ops.full((2,), 1.5) + ops.zeros_like(x)


def cut_off(x, y):
    return ops.div(x, y, rounding_mode="trunc") - x


def bitwise_not(x):
    return ~x


def times_a_tenth(x):
    return x * 0.1


def clipped_reversed_slice(x):
    return x[:, 9:2:-1]


def reversed_slice(x):
    return x[:, ::-1] * 2


def last(x):
    return ops.gather(x, ms.Tensor([-1], ms.int64), 1)


def gradient(function: Callable[..., ms.Tensor]) -> Callable[..., ms.Tensor]:
    """Return the function that gives the gradient of the sum of what another one makes."""

    class Total(nn.Cell):
        def construct(self, x):
            return ops.sum(function(x))

    return ms.grad(Total())


PROBES: dict[str, Probe] = {
    "relu_of_nan": (ops.relu, [[NAN]], [NAN]),
    "tanh_of_5": (ops.tanh, [[5.0]], [np.tanh(5.0)]),
    "mish_of_50": (ops.mish, [[50.0]], [50.0]),
    "maximum_of_nan": (ops.maximum, [[NAN], [1.0]], [NAN]),
    "amax_of_nan": (amax, [[[1.0, NAN, 2.0]]], [NAN]),
    "logsumexp_of_nothing": (logsumexp, [[[-INF, -INF]]], [-INF]),
    "softmax_behind_a_masked_row": (softmax, [MASKED], [[NAN] * 3, *[[1 / 3] * 3] * 2]),
    "full_of_a_fraction": (full, [[0.0, 0.0]], [1.5, 1.5]),
    "shift_by_all_bits": (ops.bitwise_left_shift, [[1], [32]], [0]),
    "not_of_integers": (bitwise_not, [[5]], [-6]),
    "fmod_by_infinity": (ops.fmod, [[5.0], [INF]], [5.0]),
    "fmod_of_integers": (ops.fmod, [[16777217], [1]], [0]),
    "quotient_cut_off": (cut_off, [[16777217], [1]], [0]),
    "number_beside_float64": (times_a_tenth, [np.ones(1)], [0.1]),
    "clipped_reversed_slice": (clipped_reversed_slice, [RAMP * 1.0], [[5.0, 4.0, 3.0]]),
    "output_padding": (Upsampling(), [np.ones((1, 1, 3, 3))], [[[1.0, 2.0, 1.0, 2.0, 1.0, 1.0]]]),
    "gradient_of_selu": (gradient(ops.selu), [[-1.0]], [1.0507009 * 1.6732632 * np.exp(-1)]),
    "gradient_of_a_reversed_slice": (gradient(reversed_slice), [RAMP * 1.0], [[2.0] * 6]),
    "gradient_of_a_negative_index": (gradient(last), [RAMP * 1.0], [[0, 0, 0, 0, 0, 1.0]]),
}
"""By name: a function, its inputs, and what is right."""


def tell(name: str) -> str:
    """Return what MindSpore says, or nothing if it is right."""
    function, inputs, right = PROBES[name]
    arrays = [np.asarray(given) for given in inputs]
    wide = name == "number_beside_float64"
    tensors = [
        ms.Tensor(a.astype(np.int32 if a.dtype.kind == "i" else np.float64 if wide else np.float32))
        for a in arrays
    ]
    network = function if isinstance(function, nn.Cell) else Function(function)
    run = function if name.startswith("gradient") else network
    result, want = run(*tensors).asnumpy(), np.asarray(right)
    close = {"rtol": 1e-12 if wide else 2e-6, "atol": 0.0, "equal_nan": True}
    same = result.shape == want.shape and np.allclose(result, want, **close)
    return "" if same else f"{result.tolist()}, not {want.tolist()}"


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what MindSpore prints
    ms.set_context(mode=ms.GRAPH_MODE if sys.argv[1] == "graph" else ms.PYNATIVE_MODE)
    print(json.dumps({name: tell(name) for name in PROBES}), file=out)
