"""`mindconverter` takes the retired tool's line, word for word, and writes its files."""

import json

import numpy as np
import onnx
import pytest

from onnx2ms.compiler.cli_mindconverter import main
from onnx2ms.compiler.conversion import import_source

FILES = {"net.ckpt", "net.py", "report_of_net.txt", "weight_map_of_net.json"}


@pytest.fixture
def folder(network, tmp_path, monkeypatch):
    """Return a current folder with a network whose batch is open."""
    monkeypatch.chdir(tmp_path)
    onnx.save(network(shape=("n", 3, 8, 8)), tmp_path / "net.onnx")
    return tmp_path


def test_the_line_of_its_documentation(folder, capsys):
    line = "--model_file net.onnx --framework 0 --output out --shape x:1,3,8,8"
    assert main(line.split()) == 0
    assert {file.name for file in (folder / "out").iterdir()} == FILES
    report = (folder / "out" / "report_of_net.txt").read_text()
    assert report.startswith("[Start Convert]\n")
    assert report.endswith("[Convert Over]\nConverted Rate: 100.00%.\n")
    assert "proved in PYNATIVE and GRAPH mode" in report
    assert "Converted Rate" in capsys.readouterr().out


def test_shapes_by_names_and_reports_elsewhere(folder):
    line = "--model_file net.onnx --shape 1,3,8,8 --input_nodes x --output_nodes conv_out"
    assert main([*line.split(), "--output", "out", "--report", "told"]) == 0
    assert {file.name for file in (folder / "out").iterdir()} == {"net.ckpt", "net.py"}
    assert {file.name for file in (folder / "told").iterdir()} == FILES - {"net.ckpt", "net.py"}
    (weight, bias) = json.loads((folder / "told" / "weight_map_of_net.json").read_text())["net"]
    assert weight == {
        "converted_weight": {"name": "conv.weight", "shape": [64, 3, 3, 3], "data_type": "Float32"},
        "source_weight": {"name": "conv.weight", "shape": [64, 3, 3, 3], "data_type": "float32"},
    }
    assert bias["source_weight"]["shape"] == [64]


def test_the_module_finds_its_weights(folder):
    assert main(["--model_file", "net.onnx", "--output", "out", "--shape", "1,3,8,8"]) == 0
    source = (folder / "out" / "net.py").read_text()
    assert 'with_name("net.ckpt")' in source
    net = import_source(source).build_model(folder / "out" / "net.ckpt")
    assert next(iter(net.get_parameters())).asnumpy().dtype == np.float32


def test_nothing_is_overwritten(folder, capsys):
    (folder / "out").mkdir()
    (folder / "out" / "net.py").write_text("mine")
    assert main(["--model_file", "net.onnx", "--output", "out", "--shape", "1,3,8,8"]) == 2
    assert (folder / "out" / "net.py").read_text() == "mine"
    assert {file.name for file in (folder / "out").iterdir()} == {"net.py"}
    assert "net.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("--model_file frozen.pb --shape 1,2", "tf2onnx"),
        ("--model_file net.pth --shape 1,2", "torch.onnx.export"),
        ("--in_file train.py", "onnx2ms scan"),
        ("--shape 1,2", "--model_file is missing"),
        ("--model_file net.onnx --shape 1,2 3,4 --input_nodes x", "2 shapes"),
        ("--model_file net.onnx --colour red", "--colour"),
    ],
)
def test_wrong_use(folder, capsys, line, word):
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert word in told
    assert "Traceback" not in told
