"""One small network for the tests of the driver and the command line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

NAMES = ("x", "y", "conv.weight", "conv.bias", "conv", "relu")


def build(
    names: tuple[str, ...] = NAMES, *, shape: tuple[int | str, ...] = (1, 3, 8, 8)
) -> onnx.ModelProto:
    """Return relu(conv(x)), its input, output, weights and nodes named as wished."""
    source, result, weight, bias, conv, relu = names
    rng = np.random.default_rng(0)
    weights = {weight: rng.standard_normal((64, 3, 3, 3)), bias: rng.standard_normal(64)}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", [source, weight, bias], [f"{conv}_out"], conv, pads=[1] * 4),
            helper.make_node("Relu", [f"{conv}_out"], [result], relu),
        ],
        f"graph {source}",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(result, TensorProto.FLOAT, (shape[0], 64, *shape[2:]))],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )
    opsets = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name=source)


@pytest.fixture
def network() -> Callable[..., onnx.ModelProto]:
    """Return the function that makes it."""
    return build


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return the file of a small network, alone in its folder."""
    path = tmp_path / "model" / "net.onnx"
    path.parent.mkdir()
    onnx.save(build(), path)
    return path
