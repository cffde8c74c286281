"""Gradients held against difference quotients, where there is no PyTorch module to derive."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..ir.graph import Array
from .beside import keys_of
from .process import TIMEOUT, Mode, Outcome, Runner
from .training import GRADIENT, Check, TrainingResult, make_targets, task

SAMPLE = 24
"""So many parameters are looked at; two calls of the network are made for each."""

NEEDS_TORCH = "name its PyTorch module, package.module:factory, to compare gradients"


def derive_alone(
    folder: Path,
    inputs: Sequence[Array],
    outputs: Sequence[Array],
    *,
    modes: Sequence[Mode] = ("pynative", "graph"),
    timeout: float = TIMEOUT,
) -> tuple[TrainingResult, ...]:
    """Compare gradients in inference with difference quotients of the network itself, in float64.

    They are those of the mean square of what separates the outputs from random targets, by a
    sample of the parameters and by every float input, along a random direction of each.

    Args:
        folder: Holds model.py, its checkpoint and weight_map.json.
        inputs: What to call it with.
        outputs: What the model returns then.
        modes: Any of "pynative" and "graph".
        timeout: Seconds that a child may take.

    Raises:
        ModelError: The folder's weight map cannot be read.
    """
    targets, places, scales = make_targets([outputs], np.random.default_rng(0))
    held = list(keys_of(folder))
    names = held[:: -(-len(held) // SAMPLE)] if held else []
    floats = [i for i, array in enumerate(inputs) if array.dtype == np.float32]
    if not places:
        text = f"it returns no finite float32 tensor, so nothing can be derived; {NEEDS_TORCH}"
        return tuple(TrainingResult(mode, text, (), ()) for mode in modes)
    told = task(
        outputs=places,
        scales=scales,
        inputs=floats,
        states=["eval"],
        derive=["eval"],
        quotients=[*(f"input {i}" for i in floats), *names],
    )
    with Runner([[*inputs, *targets[0]]], timeout=timeout) as run:
        children = {m: run.start_training(folder / "model.py", m, told) for m in modes}
        outcomes = {mode: child.wait() for mode, child in children.items()}
        return tuple(_compare(mode, outcomes[mode]) for mode in modes)


def _compare(mode: Mode, outcome: Outcome) -> TrainingResult:
    trained = outcome.result["trained"]
    if outcome.failure or trained is None:
        text = outcome.failure
        if outcome.result["stage"] == "difference quotients":
            text = f"MindSpore cannot compute it in float64 ({text}); {NEEDS_TORCH}"
        return TrainingResult(mode, text, (), ())
    gradients: Mapping[str, int] = trained["gradients"].get("eval", {})
    checks: list[Check] = []
    for name, (index, quotients) in trained["quotients"].items():
        direction = outcome.array(index).astype(np.float64)
        parts = outcome.array(gradients[name]).astype(np.float64) * direction
        # Parts may cancel: their length, not their sum, is what errors are small beside.
        scale = max(abs(quotients[0]), float(np.sqrt(np.sum(parts**2)))) or 1.0
        if max(quotients) - min(quotients) > GRADIENT / 4 * scale:
            text = "some kernel of MindSpore computes float64 in less"
            return TrainingResult(mode, f"{text}; {NEEDS_TORCH}", (), ())
        error = abs(float(parts.sum()) - quotients[0]) / scale
        checks.append(Check("gradient", "eval", name, error, GRADIENT))
    return TrainingResult(mode, "", (), tuple(checks))
