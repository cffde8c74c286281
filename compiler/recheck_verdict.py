"""What came of holding a folder against its model or module, in words."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from .ir.errors import count, listed, quoted
from .recheck import Recheck
from .verdict import disproof, proof
from .verify.training import Check, TrainingResult

WORDS = {"forward": "output", "gradient": "gradient", "statistics": "running statistic"}


def summary(recheck: Recheck) -> list[str]:
    """Return lines that say how well everything agrees."""
    lines = [] if recheck.verification is None else list(proof(recheck.verification))
    if recheck.training:
        modes = " and ".join(result.mode.upper() for result in recheck.training)
        beside = "difference quotients" if recheck.verification else recheck.against
        lines.append(f"the same in {modes} mode as {beside}")
    return [*lines, *(line for result in recheck.training for line in _agreement(result))]


def failure(recheck: Recheck, folder: Path) -> str:
    """Return the message for a folder that is not what it came from.

    Args:
        recheck: What was found.
        folder: The folder, as the user named it.
    """
    what, lines = f"it does not do what {recheck.against} does", list[str]()
    if recheck.verification is not None and not recheck.verification.verified:
        what, lines = disproof(recheck.verification)
    elif recheck.weights:
        what = "its weights are not those of the model"
    if recheck.weights:
        lines.append(f"  other weights than the model's: {listed(recheck.weights)}")
    for result in recheck.training:
        if not result.passed:
            lines += [f"  in {result.mode.upper()} mode", *_disagreement(result)]
    return "\n".join([f"{quoted(str(folder), 4096)[1:-1]} is not proved: {what}", *lines])


def _agreement(result: TrainingResult) -> Iterator[str]:
    for state, checks in groupby(sorted(result.checks, key=_order), lambda check: check.state):
        kinds = {w: [*c] for w, c in groupby(checks, lambda check: check.what)}
        parts = [_worst(result, what, state, found) for what, found in kinds.items()]
        yield f"  {result.mode.upper():8}  {state}: {'; '.join(parts)}"


def _order(check: Check) -> tuple[int, str]:
    states = ("eval", "train", "SGD", "AdamW")
    return states.index(check.state), check.what


def _worst(result: TrainingResult, what: str, state: str, checks: list[Check]) -> str:
    worst = result.worst(what, state)
    assert worst is not None, "there is a check of each kind"
    error = f"error {worst.error:.1e} (tolerance {worst.allowed:.1e})"
    if what == "losses":
        losses = result.losses[state]
        return f"{count(len(losses), 'step')} from {losses[0]:.4g} to {losses[-1]:.4g}, {error}"
    return f"{count(len(checks), WORDS[what])}, {error}"


def _disagreement(result: TrainingResult) -> Iterator[str]:
    if result.failure:
        yield f"    {result.failure}"
    yield from (f"    {problem}" for problem in result.problems)
    wrong = [check for check in result.checks if not check.passed]
    for (what, state), found in groupby(wrong, lambda check: (check.what, check.state)):
        checks = list(found)
        first = checks[0]
        name = f" of {quoted(first.name)}" if first.name else ""
        apart = first.problem or f"error {first.error:.1e}, tolerance {first.allowed:.1e}"
        more = f", and {len(checks) - 1} more" if len(checks) > 1 else ""
        yield f"    {what} ({state}){name}: {apart}{more}"
