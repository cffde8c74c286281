"""With BatchNorm kept, our checkpoint of ResNet-50 is one of mindcv's by other names."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onnx2ms

GUIDE = Path(__file__).parents[2] / "docs" / "mindcv.md"
IMAGE = np.random.default_rng(0).standard_normal((1, 3, 224, 224)).astype(np.float32)


@pytest.fixture
def mindcv() -> Any:
    reason = "mindcv is not installed: pip install --no-deps mindcv pyyaml tqdm"
    return pytest.importorskip("mindcv", reason=reason)


@pytest.fixture
def guide(mindcv: Any) -> dict[str, Any]:
    """Return what the code in docs/mindcv.md defines."""
    (code,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(code, GUIDE, "exec"), names)
    return names


def run(cell, image: np.ndarray) -> np.ndarray:
    import mindspore

    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    return cell(mindspore.Tensor(image)).asnumpy()


@pytest.mark.parametrize("exporter", ["dynamo_bn", "legacy_bn"])
def test_computes_the_same(
    exporter: str, mindcv: Any, guide: dict[str, Any], restore: Callable[[str], Path]
) -> None:
    conversion = onnx2ms.convert(restore(f"{exporter}/resnet50"), verify="none")
    ours, theirs = conversion.cell(), guide["load_into_mindcv"](str(conversion.checkpoint))
    assert len(ours.parameters_dict()) == len(theirs.parameters_dict()) == 267
    expected = run(ours, IMAGE)
    assert np.abs(run(theirs, IMAGE) - expected).max() <= 1e-6 * np.abs(expected).max()

    # mindcv's own max_pool is the only layer that the guide replaces; with it all else is equal.
    theirs.max_pool = mindcv.create_model("resnet50").max_pool
    assert 1e-3 < np.abs(run(theirs, IMAGE) - expected).max() / np.abs(expected).max() < 5e-2


def test_other_names_are_refused(guide: dict[str, Any], restore: Callable[[str], Path]) -> None:
    conversion = onnx2ms.convert(restore("dynamo_bn/resnet50"), verify="none")
    del guide["RENAMED"]["fc"]
    with pytest.raises(ValueError, match=r"missing: \['classifier.weight'.*over: \['fc.weight'"):
        guide["load_into_mindcv"](str(conversion.checkpoint))


def test_pooling_layer_is_as_the_guide_says(mindcv: Any) -> None:
    """MindSpore's "same" pads 112 pixels by one at the end, torchvision by one on each side."""
    from mindspore import nn

    image = IMAGE[:, :, ::2, ::2]
    padded = np.pad(image, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=-np.inf)
    theirs = run(mindcv.create_model("resnet50").max_pool, image)
    assert np.array_equal(theirs, run(nn.MaxPool2d(3, stride=2), padded))
    assert not np.array_equal(theirs, run(nn.MaxPool2d(3, 2, pad_mode="pad", padding=1), image))
