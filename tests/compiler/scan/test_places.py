"""Uses are found through imports, aliases and what holds a tensor; other names are left alone."""

from onnx2ms.compiler.scan.places import find_places

NETWORK = """
import torch
import torch.nn.functional as F
from torch import nn as n, optim


class Net(n.Module):
    def __init__(self):
        super().__init__()
        self.conv = n.Conv2d(3, 4, 3)
        self.names = []

    def forward(self, x, mask=None):
        self.names.append("x")
        y = F.relu(self.conv(x)).view(x.size(0), -1)
        if y.sum() > 0:
            y.add_(1)
        values, indices = torch.topk(y, 2)
        return indices.permute(1, 0)


def train(net: n.Module, batches):
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    for x, t in batches:
        loss = F.cross_entropy(net(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


def names(text):
    return [place.api.torch for place in find_places(text)]


def test_a_network_and_its_training():
    assert names(NETWORK) == [
        "torch.nn.Module",
        "torch.nn.Conv2d",
        "torch.nn.Module.forward",
        "torch.nn.functional.relu",
        "torch.Tensor.view",
        "torch.Tensor.size",
        "torch.Tensor.sum",
        "torch.Tensor.__bool__",
        "torch.Tensor.add_",
        "torch.topk",
        "torch.Tensor.permute",
        "torch.nn.Module",
        "torch.optim.SGD",
        "torch.nn.Module.parameters",
        "torch.nn.functional.cross_entropy",
        "torch.optim.Optimizer.zero_grad",
        "torch.Tensor.backward",
        "torch.optim.Optimizer.step",
    ]


def test_positions_are_those_of_the_name():
    (place,) = find_places("import torch\n\ny = (torch.abs)(2)\n")
    assert (place.line, place.column, place.end_column) == (3, 5, 14)


def test_a_method_of_what_is_not_known_is_left_alone():
    assert names("def f(x):\n    return x.view(2).sum()\n") == []
    assert names("import numpy as torch\n\ntorch.abs(1)\n") == []
    assert names("x = 'a'.split()\n") == []


def test_an_annotation_tells():
    assert names("from torch import Tensor\n\ndef f(x: Tensor):\n    return x.t()\n") == [
        "torch.Tensor",
        "torch.Tensor.t",
    ]


def test_a_name_that_is_bound_anew_is_another():
    text = "import torch\n\nx = torch.ones(2)\nx.abs()\nx = [1]\nx.abs()\n"
    assert names(text) == ["torch.ones", "torch.Tensor.abs"]


def test_an_api_that_the_table_lacks_is_unknown():
    (place,) = find_places("import torch\n\ntorch.no_such_function(1)\n")
    assert place.api.verdict == "unknown"


def test_layers_of_a_base_class_of_ones_own():
    text = (
        "from torch import nn\n\nclass A(nn.Module):\n    pass\n\nclass B(A):\n"
        "    def __init__(self):\n        self.a = A()\n    def forward(self, x):\n"
        "        return self.a(x).t()\n"
    )
    assert names(text) == ["torch.nn.Module", "torch.nn.Module.forward", "torch.Tensor.t"]
