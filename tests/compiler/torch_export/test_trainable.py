"""What PyTorch trains is a Parameter with a gradient under its key; nothing else is."""

import json
from typing import Any

import numpy as np
import pytest

from onnx2ms import from_torch

torch = pytest.importorskip("torch", reason="networks are written in PyTorch")
nn = torch.nn


class Tokens(nn.Module):
    """Parameters that exporters write as constants of the network, if they may."""

    def __init__(self):
        super().__init__()
        self.mark = nn.Parameter(torch.zeros(1, 1, 8))
        self.place = nn.Embedding(16, 8)
        self.word = nn.Embedding(20, 8)
        self.rnn = nn.LSTM(8, 8, batch_first=True)
        self.norm = nn.LayerNorm(8, elementwise_affine=False)
        self.head = nn.Linear(8, 20, bias=False)
        self.head.weight = self.word.weight
        self.register_buffer("places", torch.arange(16)[None], persistent=False)
        self.register_buffer("scale", torch.rand(8))

    def forward(self, ids):
        x = self.word(ids) + self.place(self.places[:, : ids.shape[1]])
        x = torch.cat([self.mark.expand(ids.shape[0], -1, -1), x], 1) * self.scale
        return self.head(self.norm(self.rnn(x)[0]))


class Picture(nn.Module):
    """Layers without parameters, frozen ones, a weight that is computed of others."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))
        self.bare = nn.BatchNorm2d(4, affine=False, eps=1e-3, momentum=0.3)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 2, 1))
        self.head = nn.Linear(2, 3)
        self.backbone.requires_grad_(False)
        self.head.bias.requires_grad_(False)

    def forward(self, x):
        return self.head(self.normed(self.bare(self.backbone(x))).mean((2, 3)))


class Standardized(nn.Conv2d):
    """A weight that is normalized as a matrix, and turned for its mean and variance."""

    def forward(self, x):
        flat = self.weight.reshape(1, self.out_channels, -1)
        weight = nn.functional.batch_norm(flat, None, None, training=True).reshape_as(self.weight)
        return nn.functional.conv2d(x, weight, self.bias)


@pytest.mark.parametrize(
    ("network", "example"),
    [
        (Tokens(), torch.randint(0, 20, (2, 5))),
        (Picture(), torch.rand(2, 3, 6, 6)),
        (Standardized(3, 4, 3), torch.rand(2, 3, 6, 6)),
    ],
)
def test_parameters_are_those_that_torch_trains(network, example, tmp_path):
    ms: Any = pytest.importorskip("mindspore", reason="MindSpore builds the network")
    conversion = from_torch(network, example, tmp_path / "o", verify="none")
    content = json.loads((tmp_path / "o" / "weight_map.json").read_text())
    keys = {entry["name"]: entry["state_dict"] for entry in content["parameters"]}
    net: Any = conversion.cell()
    trained = sorted(keys[parameter.name] for parameter in net.trainable_params())
    assert trained == sorted(key for key, p in network.named_parameters() if p.requires_grad)
    for entry in content["parameters"]:
        if entry["state_dict"] is not None:
            own = network.state_dict()[entry["state_dict"]].numpy().reshape(entry["shape"])
            np.testing.assert_array_equal(net.parameters_dict()[entry["name"]].asnumpy(), own)
    result = net(ms.Tensor(example.numpy())).asnumpy()
    with torch.no_grad():
        expected = network.eval()(example).numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
