"""The outputs of a network, one by one, held against the reference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..ir.graph import Array
from .compare import NOISE_FACTOR, Difference, difference, is_float, tolerance_of
from .process import Outcome
from .ties import order_of_ties


@dataclass(frozen=True)
class OutputResult:
    """One output in one mode.

    Attributes:
        name: Its name in the model.
        dtype: Element type, as MindSpore returned it.
        shape: Shape, as MindSpore returned it.
        max_abs_error: max|a-b|.
        error: max|a-b| / max|b|.
        tolerance: What `error` may be.
        noise: The reference's own error where the tolerance comes from it, else None.
        problem: What no tolerance forgives; else empty.
        passed: Whether it is what the model computes.
        call: With which inputs it was computed, the first ones 0.
        reordered: How many of its rows stand where another one of nearly the same score should.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    max_abs_error: float
    error: float
    tolerance: float
    noise: float | None
    problem: str
    passed: bool
    call: int = 0
    reordered: int = 0


def compare_outputs(
    outcome: Outcome,
    expected: Mapping[str, Array],
    tolerance: float,
    noise: Callable[[], Mapping[str, float]],
    *,
    call: int = 0,
    calls: int = 1,
) -> tuple[OutputResult, ...]:
    """Compare what a child returned with what the model computes.

    Args:
        outcome: What the child left behind.
        expected: The model's outputs by name, in its order.
        tolerance: That of float32.
        noise: Measures the reference's own error by output; called only where it decides.
        call: Which call of the network the outputs are of.
        calls: How often it was called.

    Returns:
        One result an output; none if the child failed or returned another number of them.
    """
    first, count = call * len(expected), len(outcome.result["types"])
    if outcome.failure or count != calls * len(expected):
        return ()
    numbers = range(first, first + len(expected))
    return compare_arrays(
        [outcome.array(i) for i in numbers],
        expected,
        tolerance,
        noise,
        kinds=[outcome.result["types"][i] for i in numbers],
        call=call,
    )


def compare_arrays(
    actual: Sequence[Array],
    expected: Mapping[str, Array],
    tolerance: float,
    noise: Callable[[], Mapping[str, float]],
    *,
    kinds: Sequence[str] = (),
    call: int = 0,
) -> tuple[OutputResult, ...]:
    """Compare outputs with what they should be.

    Args:
        actual: One array an output.
        expected: What they should be, by name, in their order.
        tolerance: That of float32.
        noise: Measures the reference's own error by output; called only where it decides.
        kinds: Types of what was returned, where that may be no tensor.
        call: Which call of the network the outputs are of.
    """
    kinds = kinds or ["Tensor"] * len(actual)
    results = _compared(actual, expected, tolerance, noise, kinds, call)
    if all(result.passed for result in results):
        return results
    order = order_of_ties(actual, list(expected.values()), [r.tolerance for r in results])
    if order is None:
        return results
    ordered = [a[order] if a.shape[:1] == order.shape else a for a in actual]
    count = int(np.count_nonzero(order != np.arange(len(order))))
    return tuple(
        replace(new, reordered=count) if new.passed and not old.passed else old
        for old, new in zip(
            results, _compared(ordered, expected, tolerance, noise, kinds, call), strict=True
        )
    )


def _compared(
    actual: Sequence[Array],
    expected: Mapping[str, Array],
    tolerance: float,
    noise: Callable[[], Mapping[str, float]],
    kinds: Sequence[str],
    call: int,
) -> tuple[OutputResult, ...]:
    """Compare outputs as they are, element by element."""
    results: list[OutputResult] = []
    for (name, reference), array, kind in zip(expected.items(), actual, kinds, strict=True):
        apart = difference(array, reference)
        if kind != "Tensor":
            apart = Difference(apart.max_abs, apart.error, f"{kind}, expected a Tensor")
        allowed, own = tolerance_of(reference.dtype, tolerance), None
        if not apart.problem and apart.error > allowed and is_float(reference.dtype):
            measured = noise()[name]
            if NOISE_FACTOR * measured > allowed:
                allowed, own = NOISE_FACTOR * measured, measured
        results.append(
            OutputResult(
                name=name,
                dtype=array.dtype.name,
                shape=array.shape,
                max_abs_error=apart.max_abs,
                error=apart.error,
                tolerance=allowed,
                noise=own,
                problem=apart.problem,
                passed=not apart.problem and apart.error <= allowed,
                call=call,
            )
        )
    return tuple(results)
