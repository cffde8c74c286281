"""Networks whose way through their operators the data decides."""

from pathlib import Path

import pytest

import onnx2ms


@pytest.mark.parametrize("name", ["pl_scripted_if_loop", "pl_scripted_fn_in_trace"])
def test_a_short_loop_is_written_turn_after_turn(name: str, restore, tmp_path: Path):
    conversion = onnx2ms.convert(restore(f"legacy/{name}"), tmp_path / "out")
    assert conversion.verified
    after = conversion.report["operators"]["after"]
    assert {"Loop", "If"}.isdisjoint(after)
    assert conversion.source.count("ops.where(") == 3, "a selection a turn"
