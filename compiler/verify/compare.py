"""How far two arrays are apart, and how far they may be."""

from dataclasses import dataclass

import numpy as np

from ..ir.errors import count
from ..ir.graph import Array

FLOAT = 1e-5
"""Default tolerance of float32 and float64."""

COARSE = {"float16": 2e-3, "bfloat16": 2e-2}
"""Tolerance of the types with fewer bits; of float8 and the like it is the last one's."""

NOISE_FACTOR = 4.0
"""How many times the reference's own noise an error may reach."""


@dataclass(frozen=True)
class Difference:
    """How far an array is from what was expected.

    Attributes:
        max_abs: max|a-b| over the finite elements; infinite where it cannot be told.
        error: max|a-b| / max|b|, where 0/0 is 0; infinite where it cannot be told.
        problem: What no tolerance forgives, as in "shape [1, 4], expected [1, 8]"; else empty.
    """

    max_abs: float
    error: float
    problem: str = ""


def difference(actual: Array, expected: Array, *, same_type: bool = True) -> Difference:
    """Return how far an array is from what was expected, computed in double precision.

    Args:
        actual: Array of any type and shape.
        expected: What it should be.
        same_type: Whether another element type is a problem, whatever the elements are.
    """
    problem = _kind_problem(actual, expected) if same_type else ""
    if not problem and actual.shape != expected.shape:
        problem = f"shape {list(actual.shape)}, expected {list(expected.shape)}"
    if problem:
        return Difference(np.inf, np.inf, problem)
    unequal = 0 if is_float(expected.dtype) else int(np.count_nonzero(actual != expected))
    if unequal:
        problem = f"{count(unequal, 'element')} of {expected.size} not equal"
    if expected.dtype.kind in "SUO":
        return Difference(np.inf, np.inf, problem) if unequal else Difference(0.0, 0.0)
    wide = np.complex128 if np.iscomplexobj(actual) or np.iscomplexobj(expected) else np.float64
    a, b = actual.astype(wide), expected.astype(wide)
    if special := _special_problem(a, b):
        return Difference(np.inf, np.inf, special)
    finite = np.isfinite(b)
    max_abs = float(np.abs(a[finite] - b[finite]).max(initial=0.0))
    scale = float(np.abs(b[finite]).max(initial=0.0))
    error = max_abs / scale if scale else np.inf
    return Difference(max_abs, error if max_abs else 0.0, problem)


def tolerance_of(dtype: np.dtype[np.generic], tolerance: float = FLOAT) -> float:
    """Return the error that is allowed in an element type.

    Args:
        dtype: Type of the reference's array.
        tolerance: That of float32 and float64; coarser types keep their own where it is larger.
    """
    if not is_float(dtype):
        return 0.0
    if dtype.kind == "c" or dtype.name in ("float32", "float64"):
        return tolerance
    return max(tolerance, COARSE.get(dtype.name, COARSE["bfloat16"]))


def is_float(dtype: np.dtype[np.generic]) -> bool:
    """Tell whether elements are compared by size of error; bfloat16 and float8 are NumPy voids."""
    return dtype.kind in "fc" or dtype.name.startswith(("float", "bfloat"))


def _kind_problem(actual: Array, expected: Array) -> str:
    if actual.dtype == expected.dtype:
        return ""
    return f"dtype {actual.dtype.name}, expected {expected.dtype.name}"


def _special_problem(a: Array, b: Array) -> str:
    """Tell where NaN and infinities stand that should not, or do not that should."""
    for what, found, wanted in (
        ("NaN", np.isnan(a), np.isnan(b)),
        ("an infinity", np.isinf(a), np.isinf(b)),
    ):
        extra, missing = int((found & ~wanted).sum()), int((wanted & ~found).sum())
        if extra:
            return f"{what} at {count(extra, 'place')} where the reference has none"
        if missing:
            return f"no {what.removeprefix('an ')} at {count(missing, 'place')} where expected"
    infinite = np.isinf(b)
    if not np.array_equal(a[infinite], b[infinite]):
        return "infinities of the other sign"
    return ""
