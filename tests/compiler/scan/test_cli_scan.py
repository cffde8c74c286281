"""`onnx2ms scan` as a user meets it."""

import json

import pytest

from onnx2ms.compiler.cli import main

TEXT = "import torch\n\nx = torch.ones(2)\ny = torch.std(x)\nz = torch.optim.LBFGS([x])\n"


@pytest.fixture
def project(tmp_path):
    """Return a folder with a source, a notebook, something hidden and something broken."""
    (tmp_path / "net.py").write_text(TEXT)
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / ".hidden.py").write_text(TEXT)
    cells = [
        {"cell_type": "markdown", "source": ["import torch"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import torch\n", "torch.abs(1)"]},
    ]
    (tmp_path / "notes.ipynb").write_text(json.dumps({"cells": cells}))
    return tmp_path


def test_people_read_the_hard_ones_first(project, capsys):
    assert main(["scan", str(project)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{project}/broken.py: line 1: it is not Python that can be parsed"
    assert lines[1] == "torch.optim.LBFGS  no counterpart  (1)"
    assert f"    at {project}/net.py:5:5" in lines
    assert any("divides by n unless ddof=1" in line for line in lines)
    assert "4 uses of PyTorch in 3 files, 75.0% with a counterpart" in lines


def test_programs_read_json(project, capsys):
    assert main(["scan", str(project), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["summary"]["none"] == 1
    (cell,) = [place for place in content["places"] if "cell" in place]
    assert (cell["torch"], cell["line"], cell["cell"]) == ("torch.abs", 3, 2)
    assert list(content["unread"]) == [f"{project}/broken.py"]


def test_code_hosts_read_sarif(project, tmp_path):
    file = tmp_path / "scan.sarif"
    assert main(["scan", str(project / "net.py"), "--sarif", "-o", str(file)]) == 0
    (run,) = json.loads(file.read_text())["runs"]
    assert [result["level"] for result in run["results"]] == ["note", "warning", "error"]
    region = run["results"][2]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 5, "startColumn": 5, "endLine": 5, "endColumn": 22}


def test_a_page(project, capsys):
    (project / "<b>.py").write_text(TEXT)
    assert main(["scan", str(project), "--html"]) == 0
    page = capsys.readouterr().out
    assert "&lt;b&gt;.py:5:5" in page
    assert "<b>.py" not in page


def test_status_tells_a_pipeline(project, capsys):
    assert main(["scan", str(project / "net.py"), "--fail-on", "unsupported"]) == 1
    assert "1 use of PyTorch" in capsys.readouterr().err
    (project / "net.py").write_text("import torch\n\ntorch.std(torch.ones(2))\n")
    assert main(["scan", str(project / "net.py"), "--fail-on", "unsupported"]) == 0


def test_copies_are_written_and_sources_kept(project, capsys):
    assert main(["scan", str(project), "--fix", "-o", str(project / "new")]) == 0
    assert (
        "ms.mint.ones" in (project / "new" / "net.py").read_text()
        or "ms.ops.ones" in (project / "new" / "net.py").read_text()
    )
    assert (project / "net.py").read_text() == TEXT
    assert "notebooks are reported" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["no_such_folder"],
        ["model.onnx"],
        [".", "--json", "--html"],
        [".", "--fix"],
        [".", "--in-place"],
    ],
)
def test_wrong_use(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"")
    assert main(["scan", *words]) == 2
    assert "Traceback" not in capsys.readouterr().err
