"""Networks whose sizes stay open: one conversion, one source, any size."""

from pathlib import Path

import numpy as np
import pytest

import onnx2ms


@pytest.mark.parametrize("key", ["dynamo/dyn_pl_unet_up", "legacy/dyn_hf_gpt2"])
def test_one_source_is_right_at_every_size(key: str, restore, tmp_path: Path):
    conversion = onnx2ms.convert(restore(key), tmp_path / "out")
    assert conversion.verified
    assert conversion.verification is not None
    modes = {mode.mode: mode for mode in conversion.verification.modes}
    shapes = {output.call: output.shape for output in modes["graph"].outputs}
    assert len(set(shapes.values())) == 2
    assert modes["graph"].compilations == 1
    assert modes["pynative"].compilations == 0


def test_bound_sizes_leave_no_arithmetic_of_shapes(restore):
    shapes = {"input_ids": (2, 6), "attention_mask": (2, 6)}
    conversion = onnx2ms.convert(restore("legacy/dyn_hf_gpt2"), shapes=shapes, verify="none")
    assert "= input_ids.shape" not in conversion.source
    assert "= x.shape" not in conversion.source
    assert "dynamic_inputs" not in conversion.source
    after = conversion.report["operators"]["after"]
    assert {"Shape", "Size", "Range", "ConstantOfShape"}.isdisjoint(after)


def test_symbols_given_on_the_command_line_name_the_sizes(restore):
    shapes = {"input_ids": ("rows", "tokens"), "attention_mask": ("rows", "tokens")}
    source = onnx2ms.convert(restore("legacy/dyn_hf_gpt2"), shapes=shapes, verify="none").source
    assert "tokens = input_ids.shape[1]" in source
    assert "rows, tokens, _ = x.shape" in source


def test_a_size_that_does_not_fit_is_told_by_the_source(restore, tmp_path: Path):
    conversion = onnx2ms.convert(restore("dynamo/dyn_pl_unet_up"), verify="none")
    assert 'raise ValueError(f"width must be a multiple of 2, not {width}")' in conversion.source


def test_arrays_of_several_sizes_are_each_run(restore, tmp_path: Path):
    rng = np.random.default_rng(0)
    calls = [
        {"input": rng.standard_normal((batch, 3, size, size), np.float32)}
        for batch, size in ((1, 8), (2, 16), (3, 32))
    ]
    conversion = onnx2ms.convert(
        restore("dynamo/dyn_pl_unet_up"), tmp_path / "out", inputs=calls, verify="pynative"
    )
    assert conversion.verification is not None
    (mode,) = conversion.verification.modes
    assert [output.shape[0] for output in mode.outputs] == [1, 2, 3]


def test_arrays_of_sizes_that_contradict_each_other_are_refused(restore):
    arrays = {
        "input_ids": np.ones((2, 6), np.int64),
        "attention_mask": np.ones((2, 7), np.int64),
    }
    with pytest.raises(onnx2ms.Onnx2msError, match=r"'attention_mask' has shape \[2, 7\]"):
        onnx2ms.convert(restore("legacy/dyn_hf_gpt2"), inputs=arrays)
