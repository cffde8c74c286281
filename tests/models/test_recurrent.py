"""A recurrent network of torch's legacy exporter becomes PyTorch's layer with PyTorch's names."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

import onnx2ms

GATES = (0, 2, 3, 1)
"""PyTorch's input, forget, cell and output gates among ONNX's."""

TEXT = """<ir_version: 8, opset_import: ["": 17], producer_name: "pytorch">
g (float[2,5,3] input, float[2,16,3] w, float[2,16,4] r, float[2,32] b, float[2,16,8] v,
   float[2,16,4] q, float[2,32] d, int64[3] s) => (float[2,5,8] y, float[4,2,4] h)
{
    ["/rnn/Transpose"] t = Transpose <perm = [1, 0, 2]> (input)
    ["/rnn/LSTM"] a, ha = LSTM <hidden_size = 4, direction = "bidirectional"> (t, w, r, b)
    ["/rnn/Transpose_1"] e = Transpose <perm = [0, 2, 1, 3]> (a)
    ["/rnn/Reshape"] f = Reshape(e, s)
    ["/rnn/LSTM_1"] c, hc = LSTM <hidden_size = 4, direction = "bidirectional"> (f, v, q, d)
    ["/rnn/Transpose_2"] i = Transpose <perm = [0, 2, 1, 3]> (c)
    ["/rnn/Reshape_1"] j = Reshape(i, s)
    ["/rnn/Transpose_3"] y = Transpose <perm = [1, 0, 2]> (j)
    ["/rnn/Concat"] h = Concat <axis = 0> (ha, hc)
}"""


def network() -> tuple[onnx.ModelProto, dict[str, np.ndarray]]:
    """Return the network, and its weights by their names in the file."""
    model = onnx.parser.parse_model(TEXT)
    random = np.random.default_rng(0)
    weights: dict[str, np.ndarray] = {"s": np.array([0, 0, -1])}
    for value in model.graph.input[1:7]:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        weights[f"onnx::LSTM_{value.name}"] = random.uniform(-0.5, 0.5, shape).astype(np.float32)
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if f"onnx::LSTM_{name}" in weights:
                node.input[place] = f"onnx::LSTM_{name}"
    del model.graph.input[1:]
    for name, array in weights.items():
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model, weights


def test_two_layers_of_both_directions_are_one_layer(tmp_path: Path):
    model, _ = network()
    conversion = onnx2ms.convert(model, tmp_path / "out")
    assert conversion.verified
    assert (
        "self.rnn = nn.LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True)"
        in conversion.source
    )
    told = json.loads((tmp_path / "out" / "weight_map.json").read_text())["parameters"]
    found = {entry["state_dict"]: entry for entry in told}
    names = [f"{kind}_l{layer}{way}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
             for layer in (0, 1) for way in ("", "_reverse")]  # fmt: skip
    assert set(found) == {f"rnn.{name}" for name in names}
    assert all(name == entry["name"] for name, entry in found.items())
    backward = found["rnn.weight_hh_l1_reverse"]
    assert backward["initializer"] == "onnx::LSTM_q"
    assert backward["done"][-1] == f"its 4 blocks of rows put in the order {list(GATES)}"


def test_gates_are_in_the_order_of_pytorch(tmp_path: Path):
    model, weights = network()
    net = onnx2ms.convert(model, tmp_path / "out", verify="none").cell()
    blocks = weights["onnx::LSTM_w"][1].reshape(4, 4, 3)[list(GATES)]
    stored = {p.name: p.asnumpy() for p in net.get_parameters()}
    np.testing.assert_array_equal(stored["rnn.weight_ih_l0_reverse"], blocks.reshape(16, 3))
    half = weights["onnx::LSTM_d"][0].reshape(2, 4, 4)[1][list(GATES)]
    np.testing.assert_array_equal(stored["rnn.bias_hh_l1"], half.reshape(16))
