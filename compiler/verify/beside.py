"""A network trained beside its PyTorch module: outputs, gradients, losses and statistics."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..ir.errors import ModelError, count, listed, quoted
from ..ir.graph import Array
from .arrangement import arrangements
from .compare import FLOAT, NOISE_FACTOR, difference
from .process import TIMEOUT, Mode, Outcome, Runner
from .training import (
    GRADIENT,
    LOSS,
    Check,
    Expected,
    Reference,
    State,
    Trained,
    TrainingResult,
    task,
)

VANISHED = 1e-9
"""A gradient that is so much smaller than the largest is zero but for rounding."""


def train_beside(
    folder: Path,
    reference: Reference,
    *,
    derive: Sequence[State] = ("eval", "train"),
    steps: int = 0,
    modes: Sequence[Mode] = ("pynative", "graph"),
    timeout: float = TIMEOUT,
) -> tuple[TrainingResult, ...]:
    """Do with a folder in MindSpore what was done with its module in PyTorch, and compare.

    Args:
        folder: Holds model.py, its checkpoint and weight_map.json.
        reference: What came of the module.
        derive: In which states gradients are compared.
        steps: How often each optimizer goes on.
        modes: Any of "pynative" and "graph".
        timeout: Seconds that a child may take.

    Raises:
        ModelError: The folder's weight map cannot be read.
    """
    keys = {name: key for name, key in keys_of(folder).items() if key is not None}
    trained = [name for name, key in keys.items() if key in reference.trained]
    wide = [name for name in trained if reference.values[keys[name]].ndim > 1]
    told = task(
        outputs=reference.outputs,
        scales=reference.scales,
        inputs=reference.inputs if derive else (),
        states=("eval", "train"),
        derive=derive,
        groups=(wide, [name for name in trained if name not in wide]),
        steps=steps,
        rates=reference.rates,
    )
    module = folder / "model.py"
    with Runner(reference.batches, timeout=timeout) as run:
        children = {mode: run.start_training(module, mode, told) for mode in modes}
        outcomes = {mode: child.wait() for mode, child in children.items()}
        return tuple(_compare(m, outcomes[m], reference, keys) for m in modes)


def keys_of(folder: Path) -> dict[str, str | None]:
    """Return the key in the state_dict of every parameter, if it has one, from weight_map.json.

    Raises:
        ModelError: There is no such file, or it holds something else.
    """
    try:
        parameters = json.loads((folder / "weight_map.json").read_bytes())["parameters"]
        return {entry["name"]: entry["state_dict"] for entry in parameters}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"cannot read the weight map of {quoted(str(folder), 4096)}: {error}",
            help="name a folder that onnx2ms wrote",
        ) from error


def _compare(
    mode: Mode, outcome: Outcome, reference: Reference, keys: Mapping[str, str]
) -> TrainingResult:
    trained = outcome.result["trained"]
    if outcome.failure or trained is None:
        return TrainingResult(mode, outcome.failure, (), ())
    ways, problems = _ways(outcome, trained, reference, keys)
    problems += _gradient_carriers(trained, reference, keys)
    checks = [
        *_forward(outcome, trained, reference),
        *_gradients(outcome, trained, reference, keys, ways),
        *_losses(trained, reference),
        *_statistics(outcome, trained, reference, keys, ways),
    ]
    return TrainingResult(mode, "", tuple(problems), tuple(checks), trained["losses"])


Ways = Mapping[str, Sequence[tuple[int, ...]]]
"""By parameter, the orders of axes that make MindSpore's value of PyTorch's."""


def _ways(
    outcome: Outcome, trained: Trained, reference: Reference, keys: Mapping[str, str]
) -> tuple[Ways, list[str]]:
    """Return how parameters are made of PyTorch's, and which are not what PyTorch has."""
    ways: dict[str, Sequence[tuple[int, ...]]] = {}
    other: list[str] = []
    for name, key in keys.items():
        theirs = reference.values.get(key)
        if theirs is None or name not in trained["start"]:
            other.append(name)
            continue
        ours = outcome.array(trained["start"][name])
        ways[name] = [
            axes for axes, moved in arrangements(theirs, ours.shape) if np.array_equal(moved, ours)
        ]
        if not ways[name]:
            other.append(name)
    if not other:
        return ways, []
    return ways, [f"the weights are not those of the module: {listed(other, 1)}"]


def _gradient_carriers(
    trained: Trained, reference: Reference, keys: Mapping[str, str]
) -> list[str]:
    """Say which parameters carry a gradient in one of both only."""
    problems: list[str] = []
    frozen = [n for n in keys if keys[n] in reference.trained and n not in trained["trainable"]]
    if frozen:
        problems.append(f"PyTorch trains {listed(frozen)}, MindSpore does not")
    extra = [n for n in trained["trainable"] if keys.get(n) not in reference.trained]
    if extra:
        problems.append(f"MindSpore trains {listed(extra)}, PyTorch does not")
    held = {reference.trained[key] for key in keys.values() if key in reference.trained}
    derived = set[str]().union(*(found.keys() for found in reference.gradients.values()))
    missing = {number: key for key, number in reference.trained.items() if key in derived}
    lost = sorted(key for number, key in missing.items() if number not in held)
    if lost:
        problems.append(
            f"no parameter stands for {listed(lost)}: the exporter folded or renamed it"
        )
    return problems


def _forward(outcome: Outcome, trained: Trained, reference: Reference) -> list[Check]:
    checks: list[Check] = []
    for state, expected in reference.forward.items():
        found = trained["forward"].get(state, [])
        if len(found) != len(expected):
            text = f"{count(len(found), 'output')}, the module has {len(expected)}"
            checks.append(Check("forward", state, "", np.inf, FLOAT, text))
            continue
        for place, (index, wanted) in enumerate(zip(found, expected, strict=True)):
            checks.append(
                _check("forward", state, f"output {place}", outcome.array(index), wanted, FLOAT)
            )
    return checks


def _gradients(
    outcome: Outcome,
    trained: Trained,
    reference: Reference,
    keys: Mapping[str, str],
    ways: Ways,
) -> list[Check]:
    checks: list[Check] = []
    for state, found in trained["gradients"].items():
        wanted = reference.gradients.get(state, {})
        largest = max((float(np.abs(w.value).max(initial=0)) for w in wanted.values()), default=0)
        for name, index in found.items():
            expected = wanted.get(keys.get(name, name))
            ours = outcome.array(index)
            if expected is None:  # PyTorch has none where the loss does not depend on it
                expected = Expected(np.zeros(ours.shape, ours.dtype))
            if np.abs(expected.value).max(initial=0) <= VANISHED * largest:
                error = float(np.abs(ours).max(initial=0)) / (largest or 1)
                checks.append(Check("gradient", state, name, error, GRADIENT))
                continue
            axes = ways.get(name) or ([()] if name.startswith("input ") else [])
            moved = [
                array for way, array in arrangements(expected.value, ours.shape) if way in axes
            ]
            tried = [
                _check("gradient", state, name, ours, Expected(array, expected.noise), GRADIENT)
                for array in moved
            ]
            if tried:
                checks.append(min(tried, key=lambda check: (bool(check.problem), check.error)))
    return checks


def _losses(trained: Trained, reference: Reference) -> list[Check]:
    checks: list[Check] = []
    for optimizer, losses in trained["losses"].items():
        ours, theirs = np.array(losses), np.array(reference.losses[optimizer])
        error = float(np.max(np.abs(ours - theirs) / np.abs(theirs), initial=0.0))
        problem = "" if np.isfinite(error) else "a loss is no number"
        checks.append(Check("losses", optimizer, "", error, LOSS, problem))
    return checks


def _statistics(
    outcome: Outcome,
    trained: Trained,
    reference: Reference,
    keys: Mapping[str, str],
    ways: Ways,
) -> list[Check]:
    checks: list[Check] = []
    for state, found in trained["statistics"].items():
        limit = FLOAT if state == "train" else LOSS
        wanted = reference.statistics.get(state, {})
        for name, index in found.items():
            theirs = wanted.get(keys.get(name, ""))
            if theirs is None or not ways.get(name):
                continue
            ours = outcome.array(index)
            moved = dict(arrangements(theirs, ours.shape))[ways[name][0]]
            checks.append(_check("statistics", state, name, ours, Expected(moved), limit))
    return checks


def _check(
    what: str, state: str, name: str, ours: Array, expected: Expected, limit: float
) -> Check:
    apart = difference(ours, expected.value, same_type=False)
    allowed = max(limit, NOISE_FACTOR * expected.noise)
    return Check(what, state, name, apart.error, allowed, apart.problem)
