"""A factory is found in the working directory, and everything that can be wrong with it is told."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from onnx2ms import Onnx2msError, UsageError
from onnx2ms.compiler.cli import main
from onnx2ms.compiler.torch_export.factory import load_factory

SOURCE = """
import torch

net = torch.nn.Linear(2, 3)

class Net(torch.nn.Module):
    pass

class Shelf:
    @staticmethod
    def build():
        return net

def pair():
    return net, (torch.zeros(1, 2),)

def number():
    return 3

def broken():
    raise ValueError("no weights")

def leaves():
    raise SystemExit(4)
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """Yield the working directory, a package `nets_of_factory` in it."""
    pytest.importorskip("torch", reason="factories make torch modules")
    package = tmp_path / "nets_of_factory"
    package.mkdir()
    (package / "models.py").write_text(SOURCE)
    (package / "bad.py").write_text("import sys\n\nvalue = 1 / 0\n")
    (package / "needs.py").write_text("import a_package_that_is_missing\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("nets_of_factory")]:
        del sys.modules[name]


@pytest.mark.usefixtures("work")
def test_factories_make_modules():
    import torch

    made = load_factory("nets_of_factory.models:pair")
    assert isinstance(made.module, torch.nn.Linear)
    assert isinstance(made.example_inputs, tuple)
    assert made.example_inputs[0].shape == (1, 2)
    for name, kind in (("net", "Linear"), ("Net", "Net"), ("Shelf.build", "Linear")):
        made = load_factory(f"nets_of_factory.models:{name}")
        assert type(made.module).__name__ == kind
        assert made.example_inputs is None


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("nets_of_factory.models", UsageError, "does not name a factory"),
        ("nets of:factory", UsageError, "does not name a factory"),
        ("nets_of_factory:models.py:x", UsageError, "does not name a factory"),
        ("nets_of_nobody.models:net", UsageError, "no Python module 'nets_of_nobody'"),
        ("nets_of_factory.modles:net", UsageError, "no Python module 'nets_of_factory.modles'"),
        ("nets_of_factory.models:paar", UsageError, "has no 'paar'; did you mean 'pair'?"),
        ("nets_of_factory.models:number", UsageError, "gives int, not a torch.nn.Module"),
        ("nets_of_factory.models:broken", Onnx2msError, r"no weights \(models.py, line 2\d\)"),
        ("nets_of_factory.models:leaves", Onnx2msError, "SystemExit: 4"),
        ("nets_of_factory.bad:net", Onnx2msError, r"division by zero \(bad.py, line 3\)"),
        ("nets_of_factory.needs:net", Onnx2msError, "No module named 'a_package_that_is_missing'"),
    ],
)
def test_errors_are_told(text: str, kind: type[Onnx2msError], message: str):
    with pytest.raises(kind, match=message) as caught:
        load_factory(text)
    assert type(caught.value) is kind
    assert caught.value.help


def test_without_torch_it_says_what_to_install():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from onnx2ms.compiler.torch_export.factory import load_factory\n"
        "load_factory('a:b')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "PyTorch" in done.stderr
    assert "pip install 'onnx2ms[torch]'" in done.stderr


@pytest.mark.usefixtures("work")
def test_the_command_makes_example_inputs(work: Path, capsys: pytest.CaptureFixture[str]):
    words = ["torch", "nets_of_factory.models:net", "--input", "4,2:float32", "--shape", "batch,2"]
    assert main([*words, "--no-verify", "-o", "out"]) == 0
    assert "Linear" in capsys.readouterr().out
    report = json.loads((work / "out" / "report.json").read_text())
    assert [(i["name"], i["dtype"], i["shape"]) for i in report["inputs"]] == [
        ("input", "float32", ["batch", 2])
    ]
    assert report["network"]["module"] == "torch.nn.modules.linear.Linear"
    assert report["repeat"] == (
        "onnx2ms torch nets_of_factory.models:net --force --output out --input 4,2:float32"
        " --shape batch,2"
    )


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input", "4,2:float33"], "'4,2:float33' is no example input"),
        (["--input", "4,-2"], "'4,-2' is no example input"),
        ([], "made without example inputs"),
    ],
)
def test_the_command_says_what_is_wrong(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["torch", "nets_of_factory.models:net", *words]) == 2
    assert message in capsys.readouterr().err
