"""Every row computes what onnxruntime computes, in both modes, and its gradients."""

import numpy as np
import pytest

TOLERANCE = {"float16": 2e-3, "bfloat16": 2**-7}
GRADIENT_TOLERANCE = 2e-2
DIRECTIONS = 3
STEP = 2e-3
"""Of the difference quotient: between the rounding of float32 and the curvature."""


def error_of(ours, theirs):
    """Return max|a-b| / max|b|; NaN and infinities must stand at the same places."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    finite = np.isfinite(theirs)
    np.testing.assert_array_equal(np.where(finite, 0, ours), np.where(finite, 0, theirs))
    ours, theirs = ours[finite], theirs[finite]
    difference = np.abs(ours - theirs).max(initial=0)
    return difference / np.abs(theirs).max(initial=0) if difference else 0.0


@pytest.mark.parametrize("mode", ["pynative", "graph"])
def test_row(row, mode, runs, request):
    if mode in row.causes:
        request.applymarker(pytest.mark.xfail(reason=row.causes[mode], strict=True))
    if mode in row.fickle:
        pytest.skip(row.fickle[mode])
    told, ours, gradients = runs.result(row, mode)
    assert "error" not in told, told["error"]
    for our, their, dtype in zip(ours, row.reference, told["dtypes"], strict=True):
        assert our.shape == their.shape
        assert dtype.lower() == their.dtype.name
        if their.dtype.kind in "biu":
            np.testing.assert_array_equal(our, their)
        else:
            tolerance = TOLERANCE.get(their.dtype.name, 1e-5)
            assert error_of(our, their) <= tolerance, f"{our} is not {their}"
    assert "gradient_error" not in told, told["gradient_error"]
    assert mode == "graph" or bool(gradients) is bool(row.cotangents)
    if gradients:
        check_gradients(row, gradients)


def check_gradients(row, gradients):
    """Compare directional derivatives with difference quotients of the reference."""
    random = np.random.default_rng(2)
    inputs = [operand.array for operand in row.inputs]
    places = [i for i, x in enumerate(inputs) if x.dtype == np.float32]
    for place, gradient in zip(places, gradients, strict=True):
        assert gradient.shape == inputs[place].shape
        for _ in range(DIRECTIONS):
            direction = random.standard_normal(gradient.shape).astype(np.float32)
            quotient = sum(
                sign * np.sum(row.cotangents[i] * y, dtype=np.float64)
                for sign in (1, -1)
                for i, y in enumerate(row.compute(moved(inputs, place, sign * STEP * direction)))
                if i in row.cotangents
            ) / (2 * STEP)
            parts = gradient.astype(np.float64) * direction
            scale = max(abs(quotient), np.sqrt(np.sum(parts**2)), 1e-2)
            assert abs(parts.sum() - quotient) <= GRADIENT_TOLERANCE * scale, (
                f"input {place}: {parts.sum()} is not {quotient}"
            )


def moved(inputs, place, by):
    return [np.asarray(x + by, x.dtype) if i == place else x for i, x in enumerate(inputs)]
