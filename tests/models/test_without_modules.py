"""Files that tell no modules, only the keys of weights."""

import onnx
import pytest
from onnx import parser

import onnx2ms

TEXT = """
<ir_version: 10, opset_import: ["": 18], producer_name: "pytorch", producer_version: "1.12.1">
g (float[1,2,8] x) => (float[1,1,8] y)
<float[2,2,1] v = {1,2,3,4}, float[1,2,1] w = {3,5}>
{ h = Conv(x, v) r = Relu(h) y = Conv(r, w) }
"""


def network(*keys: str) -> onnx.ModelProto:
    model = parser.parse_model(TEXT)
    for initializer, node, key in zip(
        model.graph.initializer, (model.graph.node[0], model.graph.node[2]), keys, strict=True
    ):
        initializer.name = node.input[1] = key
    return model


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (("depthwise.0.weight", "pointwise.0.weight"), ("depthwise", "pointwise")),
        (("a.conv.weight", "b.conv.weight"), ("conv", "conv_2")),
        (("0.weight", "2.weight"), ("layer_0", "layer_2")),
    ],
)
def test_a_layer_is_called_what_its_key_says(keys, names):
    conversion = onnx2ms.convert(network(*keys), verify="none")
    for name in names:
        assert f"        self.{name} = nn.Conv1d(" in conversion.source
