"""What the suite asks of a result: its shapes, its element types, the case's tolerance."""

from collections.abc import Sequence

import numpy as np

NARROW = 2**-6
"""Relative tolerance of bfloat16 at least: two units in the last place."""


def judge(
    results: Sequence[np.ndarray], expected: Sequence[np.ndarray], rtol: float, atol: float
) -> None:
    """Compare the outputs of a case, as onnx.backend.test.runner does.

    Raises:
        AssertionError: They differ; says in what.
    """
    assert len(results) == len(expected), f"{len(results)} outputs, not {len(expected)}"
    for i, (result, want) in enumerate(zip(results, expected, strict=True)):
        assert result.shape == want.shape, f"output {i}: shape {result.shape}, not {want.shape}"
        assert result.dtype == want.dtype, f"output {i}: {result.dtype}, not {want.dtype}"
        if want.dtype.name == "bfloat16":
            result, want = result.astype(np.float32), want.astype(np.float32)
            rtol = max(rtol, NARROW)
        np.testing.assert_allclose(result, want, rtol=rtol, atol=atol, err_msg=f"output {i}")
