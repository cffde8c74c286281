"""What is asked of a network that is derived and trained, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypedDict

import numpy as np

from ..ir.graph import Array
from .process import Mode

GRADIENT = 1e-4
"""Largest max|a-b| / max|b| of a gradient."""

LOSS = 1e-3
"""Largest relative error of a loss, and of running statistics after the last step."""

WIDTHS = (1e-6, 1e-5)
"""Steps of difference quotients in float64, between its rounding and the curvature. Where the
quotients of both are not the same, something was computed in less."""

MOMENTUM, DECAY, EPSILON = 0.9, 0.01, 1e-4
"""Of the optimizers. AdamW divides by gradient + epsilon: with PyTorch's 1e-8 it would walk by the
rounding errors of gradients that are zero, as those of a bias before a BatchNorm."""

State = str
"""What a network is in: "eval" or "train"."""


class Training(TypedDict):
    """What a child is to do with a network besides calling it.

    Attributes:
        outputs: Places of the outputs that go into the loss.
        scales: For each of them, what its distance from the target is multiplied by.
        inputs: Places of the inputs that the loss is derived by.
        states: In which states it is called, "eval" and "train".
        derive: In which of them the loss is derived too.
        groups: Names of the parameters to train, those with weight decay, then those without.
        steps: How often each optimizer goes on.
        rates: Learning rate by optimizer, "SGD" and "AdamW".
        momentum: Of SGD.
        decay: Weight decay of the first group.
        epsilon: Of AdamW.
        quotients: Parameters, and `input 0`, `input 1` …, by which difference quotients are
            computed, in float64 and "eval".
        widths: Steps of these.
    """

    outputs: list[int]
    scales: list[float]
    inputs: list[int]
    states: list[State]
    derive: list[State]
    groups: list[list[str]]
    steps: int
    rates: dict[str, float]
    momentum: float
    decay: float
    epsilon: float
    quotients: list[str]
    widths: list[float]


class Trained(TypedDict):
    """What came of it; arrays are told by their number among the stored ones.

    Attributes:
        trainable: Names of the parameters that carry a gradient.
        start: By parameter, the value it begins with.
        forward: Outputs by state.
        gradients: By state, then by parameter, or `input 0`, `input 1` …, the gradient.
        losses: By optimizer, the loss before each step.
        statistics: By state ("train": after one call; or an optimizer), then by name, the value of
            every parameter that carries no gradient.
        quotients: By parameter or input, (direction's number among the arrays, a difference
            quotient for each step).
    """

    trainable: list[str]
    start: dict[str, int]
    forward: dict[State, list[int]]
    gradients: dict[State, dict[str, int]]
    losses: dict[str, list[float]]
    statistics: dict[str, dict[str, int]]
    quotients: dict[str, tuple[int, list[float]]]


@dataclass(frozen=True)
class Expected:
    """A value of the reference, and how far the reference's own float32 is from it."""

    value: Array
    noise: float = 0.0


@dataclass(frozen=True)
class Reference:
    """A PyTorch module that was called, derived and trained.

    Attributes:
        engine: PyTorch and its version.
        batches: For each batch the inputs, then the targets of the outputs that count.
        outputs: Places of these outputs.
        scales: What each one's distance from its target is multiplied by.
        inputs: Places of the inputs that the loss is derived by.
        values: Parameters and buffers by their key in the state_dict, as they begin.
        trained: By key of a parameter that carries a gradient its number; a shared one has several
            keys.
        forward: Outputs by state.
        gradients: By state, then by key, or `input 0`, `input 1` …; only what has one.
        rates: Learning rate by optimizer.
        losses: By optimizer, the loss before each step.
        statistics: As in `Trained`.
    """

    engine: str
    batches: Sequence[Sequence[Array]]
    outputs: Sequence[int]
    scales: Sequence[float]
    inputs: Sequence[int]
    values: Mapping[str, Array]
    trained: Mapping[str, int]
    forward: Mapping[State, Sequence[Expected]]
    gradients: Mapping[State, Mapping[str, Expected]]
    rates: Mapping[str, float]
    losses: Mapping[str, Sequence[float]]
    statistics: Mapping[str, Mapping[str, Array]]


@dataclass(frozen=True)
class Check:
    """One thing that was compared.

    Attributes:
        what: "forward", "gradient", "losses" or "statistics".
        state: "eval", "train" or an optimizer.
        name: Of the output, parameter, input or buffer; empty for losses.
        error: max|a-b| / max|b|; infinite where that cannot be told.
        allowed: What it may be.
        problem: What no tolerance forgives; else empty.
    """

    what: str
    state: str
    name: str
    error: float
    allowed: float
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether it is what the reference has."""
        return not self.problem and self.error <= self.allowed


@dataclass(frozen=True)
class TrainingResult:
    """A network in one mode, beside its reference.

    Attributes:
        mode: "pynative" or "graph".
        failure: Why it could not be run to its end; else empty.
        problems: What carries a gradient in one of them only, and weights that are not the same.
        checks: Everything that was compared.
        losses: By optimizer, the network's loss before each step.
    """

    mode: Mode
    failure: str
    problems: tuple[str, ...]
    checks: tuple[Check, ...]
    losses: Mapping[str, Sequence[float]] = field(default_factory=dict[str, Sequence[float]])

    @property
    def passed(self) -> bool:
        """Whether it computes, derives and learns what the reference does."""
        return not self.failure and not self.problems and all(c.passed for c in self.checks)

    def worst(self, what: str, state: str) -> Check | None:
        """Return the check of a kind that comes nearest to its limit, or is farthest beyond it."""
        found = [c for c in self.checks if (c.what, c.state) == (what, state)]
        return max(found, key=lambda c: (bool(c.problem), c.error / (c.allowed or 1)), default=None)


def task(
    *,
    outputs: Sequence[int],
    scales: Sequence[float],
    inputs: Sequence[int],
    states: Sequence[State],
    derive: Sequence[State],
    groups: Sequence[Sequence[str]] = ((), ()),
    steps: int = 0,
    rates: Mapping[str, float] = MappingProxyType({}),
    quotients: Sequence[str] = (),
) -> Training:
    """Return what a child is told; `Training` says what each argument means."""
    return {
        "outputs": list(outputs),
        "scales": list(scales),
        "inputs": list(inputs),
        "states": list(states),
        "derive": list(derive),
        "groups": [list(group) for group in groups],
        "steps": steps,
        "rates": dict(rates) if steps else {},
        "momentum": MOMENTUM,
        "decay": DECAY,
        "epsilon": EPSILON,
        "quotients": list(quotients),
        "widths": list(WIDTHS),
    }


def make_targets(
    calls: Sequence[Sequence[Array]], random: np.random.Generator
) -> tuple[Sequence[Sequence[Array]], list[int], list[float]]:
    """Make up what outputs are to become: what they are and a random number of their deviation.

    Args:
        calls: The outputs for each batch.
        random: Where chance comes from.

    Returns:
        Targets for each batch, the places of the outputs that have one (the finite ones of
        float32), and one over the deviation of each.
    """
    places = [
        i
        for i, output in enumerate(calls[0])
        if output.dtype == np.float32 and output.size and np.isfinite(output).all()
    ]
    deviations = [float(calls[0][i].std()) or 1.0 for i in places]
    targets = [
        [
            outputs[i].astype(np.float32)
            + (size * random.standard_normal(outputs[i].shape)).astype(np.float32)
            for i, size in zip(places, deviations, strict=True)
        ]
        for outputs in calls
    ]
    return targets, places, [1 / size for size in deviations]
