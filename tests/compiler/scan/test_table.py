"""The table names what MindSpore has, and its verdicts are what both libraries compute."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from onnx2ms.compiler.scan.table import WORDS, lookup, public, table

PAIRS = Path(__file__).with_name("pairs.py")


def run(*words: str, cwd: Path):
    done = subprocess.run(
        [sys.executable, str(PAIRS), *words], capture_output=True, text=True, cwd=cwd, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_every_name_of_mindspore_exists(tmp_path):
    assert run("--names", cwd=tmp_path)["missing"] == []


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_every_measured_pair_is_the_same(tmp_path):
    differences = run(cwd=tmp_path)["differences"]
    assert {name: what for name, what in differences.items() if what} == {}
    assert len(differences) >= 250


def test_the_table_is_whole():
    apis = table()
    assert len(apis) >= 600
    assert list(apis) == sorted(apis)
    for api in apis.values():
        assert api.verdict in set(WORDS) - {"unknown"}
        assert bool(api.example) == bool(api.counterpart), api.torch
        assert (api.verdict == "none") <= (not api.mindspore), api.torch
        assert api.verdict != "same" or api.mindspore, api.torch
        for text in filter(None, (api.example, api.counterpart)):
            ast.parse(text, mode="eval")
            assert not re.search(r"__|import|open|exec", text), "a table holds calls and no more"


@pytest.mark.parametrize(
    "name",
    [
        ("torch.nn.modules.conv.Conv2d", "torch.nn.Conv2d"),
        ("torch.nn.parameter.Parameter", "torch.nn.Parameter"),
        ("torch.optim.adam.Adam", "torch.optim.Adam"),
        ("torch.optim.lr_scheduler.StepLR", "torch.optim.lr_scheduler.StepLR"),
        ("torchvision.transforms.v2.Resize", "torchvision.transforms.Resize"),
        ("torch.utils.data.dataloader.DataLoader", "torch.utils.data.DataLoader"),
    ],
)
def test_an_api_has_one_public_name(name):
    assert public(name[0]) == name[1]
    assert lookup(name[0]).verdict != "unknown"


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("torch.nn.Conv2d", "pad_mode"),
        ("torch.nn.BatchNorm2d", "0.1 is 0.9"),
        ("torch.nn.LayerNorm", "1e-7"),
        ("torch.nn.Dropout", "keep_prob"),
        ("torch.topk", "sorted"),
        ("torch.gather", "another function"),
        ("torch.scatter", "order"),
        ("torch.Tensor.add_", "in place"),
        ("torch.Tensor.cuda", "set_device"),
        ("torch.nn.Module.forward", "another name"),
        ("torch.Tensor.__bool__", "GRAPH"),
        ("torch.manual_seed", "seed"),
        ("torch.use_deterministic_algorithms", "HCCL_DETERMINISTIC"),
        ("torch.utils.data.DataLoader", "batch"),
        ("torch.Tensor.backward", "value_and_grad"),
        ("torch.optim.AdamW", "bias"),
    ],
)
def test_what_matters_is_said(name, word):
    assert word in table()[name].note
