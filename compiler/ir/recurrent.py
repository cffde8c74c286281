"""Recurrent layers: their states and activations.

ONNX lists activations apart from their numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from .graph import attribute

KINDS = {"LSTM": 2, "GRU": 1, "RNN": 1}
"""How many states each has."""

MOST_LAYERS = 8
"""So many layers are one MindSpore layer at most."""

TIME_FIRST: tuple[int, ...] = (0, 1, 2)
"""The attribute `order` of a recurrent layer of our domain that leaves axes where they are."""

USUAL = {
    "LSTM": ("Sigmoid", "Tanh", "Tanh"),
    "GRU": ("Sigmoid", "Tanh"),
    "RNN": ("Tanh",),
}
"""Activations of one direction where none are given."""

NUMBERS: dict[str, tuple[float | None, float | None]] = {
    "Affine": (1.0, 0.0),
    "Elu": (1.0, None),
    "HardSigmoid": (0.2, 0.5),
    "LeakyRelu": (0.01, None),
    "Relu": (None, None),
    "ScaledTanh": (1.0, 1.0),
    "Sigmoid": (None, None),
    "Softplus": (None, None),
    "Softsign": (None, None),
    "Tanh": (None, None),
    "ThresholdedRelu": (1.0, None),
}
"""Default alpha and beta of each, None where it has none."""

SPELLING = {name.lower(): name for name in NUMBERS}
"""Exporters write them in any case."""


@dataclass(frozen=True)
class Activation:
    """One activation with its numbers.

    Attributes:
        name: As ONNX writes it; as the file does where ONNX knows no such.
        alpha: First number, None if it has none.
        beta: Second number, None if it has none.
    """

    name: str
    alpha: float | None = None
    beta: float | None = None


def directions_of(node: ir.Node) -> int:
    """Return in how many directions a layer runs."""
    return 2 if attribute(node, "direction", "forward") == "bidirectional" else 1


def activations_of(node: ir.Node) -> list[Activation]:
    """Return the activations of all directions; their numbers are handed out in order."""
    alphas: list[float] = list(attribute(node, "activation_alpha", ()))
    betas: list[float] = list(attribute(node, "activation_beta", ()))
    found: list[Activation] = []
    for word in attribute(node, "activations", USUAL[node.op_type] * directions_of(node)):
        name = SPELLING.get(word.lower(), word)
        alpha, beta = NUMBERS.get(name, (None, None))
        if alpha is not None and alphas:
            alpha = alphas.pop(0)
        if beta is not None and betas:
            beta = betas.pop(0)
        found.append(Activation(name, alpha, beta))
    return found


def are_usual(node: ir.Node, activations: Sequence[Activation]) -> bool:
    """Tell whether the activations are those of PyTorch's layer: for RNN Tanh or Relu."""
    names = tuple(activation.name for activation in activations)
    if node.op_type == "RNN":
        return len(set(names)) == 1 and names[0] in ("Tanh", "Relu")
    return names == USUAL[node.op_type] * directions_of(node)


def state_names(kind: str, layers: int) -> list[str]:
    """Return the names of the initial states among the inputs of a layer of our domain."""
    return [f"{name}0" for name in "hc"[: KINDS[kind]]] if layers == 1 else []


def results_of(kind: str) -> str:
    """Return the names of the outputs, a letter each."""
    return "yhc"[: 1 + KINDS[kind]]
