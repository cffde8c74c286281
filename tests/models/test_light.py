"""Networks of opset 9 that ship inside onnx equal the outputs that ship with them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import onnx2ms

NETWORKS = [
    "bvlc_alexnet",
    "densenet121",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
    "vgg19",
    "zfnet512",
]


def shipped(model: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the input that onnx's own test runner makes, and the output that ships with it."""
    graph = onnx.load(model, load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    (given,) = [value for value in graph.input if value.name not in weights]
    shape = [dim.dim_value for dim in given.type.tensor_type.shape.dim]
    size = int(np.prod(shape))
    array = (np.arange(size).reshape(shape) / size).astype(np.float32)
    data = model.with_name(model.name.replace(".onnx", "_output_0.pb")).read_bytes()
    return {given.name: array}, numpy_helper.to_array(onnx.TensorProto.FromString(data))


@pytest.mark.parametrize("name", NETWORKS)
def test_equals_the_output_shipped_with_it(name: str, light, tmp_path: Path):
    import mindspore

    inputs, expected = shipped(light(name))
    conversion = onnx2ms.convert(light(name), tmp_path / "out", inputs=inputs)
    assert conversion.report["verified"] is True
    (array,) = inputs.values()
    net: Any = conversion.cell()
    result = net(mindspore.Tensor(array)).asnumpy()
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-7)
