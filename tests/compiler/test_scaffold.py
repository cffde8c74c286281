"""`onnx2ms scaffold` writes train.py for what a network takes and returns, or says why not."""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import onnx
import onnx.parser
import pytest

import onnx2ms
from onnx2ms.compiler.cli import main

HEADER = '<ir_version: 10, opset_import: ["": 20]>'
CLASSIFIER = "g (float[batch,3] x) => (float[batch,4] y) <float[3,4] w = {W}> {y = MatMul (x, w)}"
MODELS = {
    "classes": CLASSIFIER,
    "fixed": "g (float[2,3] x) => (float[2,4] y) <float[3,4] w = {W}> {y = MatMul (x, w)}",
    "tokens": """g (int64[n,length] ids) => (float[n,length,2] a, float[n,length,2] logits)
        <float[6,2] w = {W}> {a = Gather (w, ids) logits = Relu (a)}""",
    "hidden": """g (int64[n,length] ids) => (float[n,length,2] a)
        <float[6,2] w = {W}> {a = Gather (w, ids)}""",
    "several": """g (float[3] scale, float[n,4] label, bool[n,3] keep)
        => (int64[n] k, float16[n,3] z) <float[4,3] w = {W}>
        {a = MatMul (label, w) b = Mul (a, scale) c = Where (keep, b, a)
         k = ArgMax <axis = 1, keepdims = 0> (c) z = Cast <to = 10> (c)}""",
}
"""Small networks; the first input of `several` counts no samples."""

Written = Callable[..., Path]


def parsed(text: str) -> onnx.ModelProto:
    text = re.sub(r"\[(\d+),(\d+)\] (\w) = \{W\}", _weight, text)
    return onnx.parser.parse_model(f"{HEADER}\n{text}")


def _weight(found: re.Match[str]) -> str:
    rows, columns = int(found[1]), int(found[2])
    numbers = ", ".join(f"{0.1 * i - 0.5:.1f}" for i in range(rows * columns))
    return f"[{rows},{columns}] {found[3]} = {{{numbers}}}"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Return a function that converts a network, unproved, and returns its folder."""

    def convert(text: str, weights: Literal["ckpt", "safetensors"] = "ckpt") -> Path:
        onnx2ms.convert(parsed(text), tmp_path / "out", verify="none", weights=weights)
        return tmp_path / "out"

    return convert


def lines(folder: Path) -> str:
    text = onnx2ms.scaffold(folder).read_text()
    ast.parse(text)
    assert "<<" not in text
    assert max(map(len, text.splitlines())) <= 100
    return text


def test_an_open_batch_of_classes(written):
    text = lines(written(MODELS["classes"]))
    assert 'COLUMNS = ["x", "label"]' in text
    assert "random.standard_normal((3,), np.float32),  # x" in text
    assert "random.integers(0, 4, (), np.int32),  # label" in text
    assert "default=8" in text
    assert "nn.CrossEntropyLoss()" in text
    assert "nn.AdamWeightDecay(groups, rates)" in text


def test_a_batch_that_the_network_fixes(written):
    assert 'add_argument("--batch", type=int, default=2, choices=[2])' in lines(
        written(MODELS["fixed"])
    )


def test_inputs_and_outputs_of_all_kinds(written):
    text = lines(written(MODELS["several"]))
    assert 'COLUMNS = ["scale", "label", "keep", "label_"]' in text
    assert "np.full((3,), 1, np.bool_),  # keep" in text
    assert "self._backbone(scale[0], label, keep)[1]\n" in text
    assert "self._loss_fn(out.astype(ms.float32), label_)" in text


def test_token_ids_lie_in_their_table_and_logits_are_told_from_hidden_states(written):
    text = lines(written(MODELS["tokens"]))
    assert "random.integers(0, 6, (8,), np.int64),  # ids" in text
    assert "self._backbone(ids)[1]\n" in text
    assert "self._loss_fn(out.astype(ms.float32).reshape(-1, 2), label.reshape(-1))" in text


def test_what_is_no_classifier_is_held_against_numbers(written):
    text = lines(written(MODELS["hidden"]))
    assert "random.standard_normal((8, 2), np.float32),  # label" in text
    assert "self._loss_fn(out.astype(ms.float32), label)" in text
    assert "nn.MSELoss()" in text


def test_safetensors_stay_safetensors(written):
    text = lines(written(MODELS["classes"], weights="safetensors"))
    assert 'save_checkpoint(net, file, format="safetensors")' in text


def test_the_same_folder_gives_the_same_bytes(written):
    folder = written(MODELS["classes"])
    first = onnx2ms.scaffold(folder).read_bytes()
    assert onnx2ms.scaffold(folder, force=True).read_bytes() == first


def test_a_script_that_exists_stays_unless_forced(written, capsys):
    folder = written(MODELS["classes"])
    (folder / "train.py").write_text("mine")
    assert main(["scaffold", str(folder)]) == 2
    assert "train.py' exists" in capsys.readouterr().err
    assert (folder / "train.py").read_text() == "mine"
    assert main(["scaffold", str(folder), "--force"]) == 0
    assert "runs as it stands" in capsys.readouterr().out
    assert {file.name for file in folder.iterdir()} == {
        *("model.py", "model.ckpt", "weight_map.json", "report.json", "train.py")
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("g (float[n,3] x) => (float[n,3] y) {y = Relu (x)}", "it has no weights"),
        (
            "g (int64[n] x) => (int64[n] y) <int64[3] w = {1, 2, 3}> {y = Gather (w, x)}",
            "it returns no floating-point tensor",
        ),
    ],
)
def test_there_must_be_something_to_train(text, reason, written, capsys):
    folder = written(text)
    assert main(["scaffold", str(folder)]) == 1
    assert reason in capsys.readouterr().err
    assert not (folder / "train.py").exists()


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("model.py", None, "there is no model.py"),
        ("report.json", None, "cannot read the network"),
        ("report.json", "[]", "cannot read the network"),
        ("report.json", '{"source": ' + "[" * 10**5, "cannot read the network"),
        ("model.py", "class Net(: pass", "cannot read the network"),
        ("model.py", "pass\n", "are of different networks"),
    ],
)
def test_a_folder_that_is_none_of_ours_is_told(file, change, reason, written, capsys):
    folder = written(MODELS["classes"])
    (folder / file).unlink()
    if change is not None:
        (folder / file).write_text(change)
    assert main(["scaffold", str(folder)]) in (1, 2)
    message = capsys.readouterr().err
    assert reason in message
    assert "internal error" not in message


def test_no_name_of_a_report_reaches_the_script(written):
    """What a report says is text; identifiers come from model.py, whatever it holds is parsed."""
    folder = written(MODELS["tokens"])
    plain = onnx2ms.scaffold(folder).read_text()
    report = json.loads((folder / "report.json").read_bytes())
    evil = '"]\nimport os  # """ <<batch>> logits'
    for value in (*report["inputs"], *report["outputs"]):
        value["name"] = evil
        value["shape"] = [evil if d == "length" else d for d in value["shape"]]
    (folder / "report.json").write_text(json.dumps(report))
    changed = onnx2ms.scaffold(folder, force=True).read_text()
    assert "import os  #" not in changed
    assert changed.splitlines()[:60] == [
        line.replace("[1]", "[0]") for line in plain.splitlines()[:60]
    ]
    report["inputs"][0]["dtype"] = "float32); import os"
    (folder / "report.json").write_text(json.dumps(report))
    with pytest.raises(onnx2ms.ModelError, match="element type"):
        onnx2ms.scaffold(folder, force=True)
