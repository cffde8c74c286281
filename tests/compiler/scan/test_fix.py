"""What is the same gets MindSpore's name; formatting, comments and all else stay."""

import subprocess
import sys

from onnx2ms.compiler.scan.fix import fix

BEFORE = '''"""A small network."""
from __future__ import annotations
import torch
import torch.nn.functional as F
from torch import nn, Tensor


class Net(nn.Module):  # the network
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 5)
        self.act = nn.Sequential(nn.ReLU(), nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu( self.fc(x) )  # keep me
        return torch.cat((y, torch.abs(y)), dim=1) + torch.softmax(y, dim=1).sum()
'''

AFTER = '''"""A small network."""
from __future__ import annotations
import mindspore as ms


class Net(ms.nn.Cell):  # the network
    def __init__(self):
        super().__init__()
        self.fc = ms.nn.Dense(4, 5)
        self.act = ms.nn.SequentialCell(ms.nn.ReLU(), ms.nn.Identity())

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        y = ms.mint.nn.functional.relu( self.fc(x) )  # keep me
        return ms.mint.cat((y, ms.mint.abs(y)), dim=1) + ms.mint.softmax(y, dim=1).sum()
'''


def test_a_network_of_nothing_else():
    fixed = fix(BEFORE)
    assert fixed.text == AFTER
    assert fixed.left == 0
    assert fix(fixed.text).changes == 0


def test_it_imports_cleanly_and_runs(tmp_path):
    (tmp_path / "net.py").write_text(fix(BEFORE).text)
    words = (
        "import numpy, net, mindspore as ms;"
        "print(net.Net()(ms.Tensor(numpy.ones((2, 4), 'f'))).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", words], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip().endswith("(2, 10)"), done.stderr


def test_what_differs_stays():
    text = "import torch\nfrom torch import nn\n\nc = nn.Conv2d(3, 4, 3)\ns = torch.std(x)\n"
    fixed = fix(text)
    assert "nn.Conv2d(3, 4, 3)" in fixed.text
    assert "torch.std(" in fixed.text
    assert "import torch\n" in fixed.text


def test_arguments_that_were_not_measured_stay():
    assert fix("import torch\n\ny = torch.abs(x, out=z)\n").changes == 0
    assert fix("import torch\n\ny = torch.abs(*x)\n").changes == 0
    assert fix("import torch\n\ny = torch.abs(x)\n").changes == 1
