"""Recurrent layers of our domain: LSTM, GRU and RNN as PyTorch and MindSpore return them.

`LSTM2` is an LSTM of two layers. The result of the last layer is (time, batch, directions times
hidden size); the final states of all layers follow each other. With `order` (1, 0, 2) the batch
comes first in operand and result. The weights stay as ONNX keeps them.
"""

from ..compiler.ir.recurrent import KINDS, MOST_LAYERS, results_of, state_names

ATTRIBUTES = {
    "LSTM": ("hidden_size", "direction"),
    "GRU": ("hidden_size", "direction", "linear_before_reset"),
    "RNN": ("hidden_size", "direction", "activations"),
}
"""What tells one of them from another, if all else is as PyTorch has it."""

TYPES = {"activations": "strings", "direction": "string", "order": "ints"}


def body(kind: str, layers: int) -> str:
    """Return the definition of a recurrent layer.

    Inputs are x, lengths, one state of each sort (of one layer only), then W, R and B a layer.
    """
    states, passed = state_names(kind, layers), _passed(kind)
    inner = ["x0 = Transpose <perm: ints = @order> (x)"]
    inner.append("shape = Constant <value_ints = [0, 0, -1]> ()")
    for i in range(layers):
        operands = ", ".join([f"x{i}", f"w{i}", f"r{i}", f"b{i}", "lengths", *states])
        results = ", ".join(f"{name}_{i}" for name in results_of(kind))
        inner.append(f"{results} = {kind} <{passed}> ({operands})")
        inner.append(f"turned{i} = Transpose <perm = [0, 2, 1, 3]> (y_{i})")
        inner.append(f"x{i + 1} = Reshape (turned{i}, shape)")
    inner.append(f"y = Transpose <perm: ints = @order> (x{layers})")
    for name in results_of(kind)[1:]:
        every = ", ".join(f"{name}_{i}" for i in range(layers))
        inner.append(f"{name} = Concat <axis = 0> ({every})")
    weights = [f"{name}{i}" for i in range(layers) for name in "wrb"]
    attributes = ", ".join((*ATTRIBUTES[kind], "order"))
    inputs = ", ".join(["x", "lengths", *states, *weights])
    outputs = ", ".join(results_of(kind))
    lines = "".join(f"  {line}\n" for line in inner)
    return f"<{attributes}> ({inputs}) => ({outputs}) {{\n{lines}}}"


def _passed(kind: str) -> str:
    return ", ".join(f"{name}: {TYPES.get(name, 'int')} = @{name}" for name in ATTRIBUTES[kind])


RECURRENT = {
    f"{kind}{layers}": body(kind, layers) for kind in KINDS for layers in range(1, MOST_LAYERS + 1)
}
"""By operator: attributes, inputs, outputs and body, as ONNX text."""
