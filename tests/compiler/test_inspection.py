"""`onnx2ms inspect`: what it says of a model is what others count, and nothing is run for it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from onnx2ms.compiler import cli
from onnx2ms.compiler.inspection import inspect

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
HEAD = '<ir_version: 9, opset_import: ["": 24, "com.acme": 1]>'

COUNTED = {
    "a Linear of 8 to 4, 6 rows": (
        "g (float[6,8] x) => (float[6,4] y) { y = Gemm<transB=1>(x, w4x8, b4) }",
        6 * 8 * 4,
    ),
    "the same on a batch of sequences": (
        "g (float[2,3,8] x) => (float[2,3,4] y) { y = MatMul(x, w8x4) }",
        6 * 8 * 4,
    ),
    "a vector times a matrix": (
        "g (float[8] x) => (float[4] y) { y = MatMul(x, w8x4) }",
        8 * 4,
    ),
    "a transposed Gemm": (
        "g (float[8,6] x) => (float[6,4] y) { y = Gemm<transA=1>(x, w8x4) }",
        6 * 8 * 4,
    ),
    "a convolution 3x3, 4 to 8 channels": (
        "g (float[2,4,9,9] x) => (float[2,8,9,9] y) { y = Conv<pads=[1,1,1,1]>(x, w8x4x3x3) }",
        2 * 8 * 81 * 4 * 9,
    ),
    "one of 2 groups and stride 2": (
        "g (float[1,8,9,9] x) => (float[1,8,5,5] y)"
        " { y = Conv<group=2, pads=[1,1,1,1], strides=[2,2]>(x, w8x4x3x3) }",
        8 * 25 * 4 * 9,
    ),
    "a depthwise one": (
        "g (float[1,8,9,9] x) => (float[1,8,7,7] y) { y = Conv<group=8>(x, w8x1x3x3) }",
        8 * 49 * 9,
    ),
    "a transposed one": (
        "g (float[1,8,5,5] x) => (float[1,4,11,11] y) { y = ConvTranspose<strides=[2,2]>"
        "(x, w8x4x3x3) }",
        8 * 25 * 4 * 9,
    ),
    "attention of 3 heads over 7 keys": (
        "g (float[2,3,5,4] q, float[2,3,7,4] k, float[2,3,7,6] v) => (float[2,3,5,6] y)"
        " { y = Attention(q, k, v) }",
        2 * 3 * 5 * 7 * (4 + 6),
    ),
    "attention of packed heads that share keys": (
        "g (float[2,5,16] q, float[2,7,8] k, float[2,7,8] v) => (float[2,5,16] y)"
        " { y = Attention<q_num_heads=4, kv_num_heads=2>(q, k, v) }",
        2 * 4 * 5 * 7 * (4 + 4),
    ),
    "an LSTM of 5 steps": (
        "g (float[5,2,8] x) => (float[5,1,2,4] y) { y = LSTM<hidden_size=4>(x, w1x16x8, w1x16x4) }",
        5 * 2 * 4 * 4 * (8 + 4),
    ),
    "an Einsum": (
        'g (float[2,5,8] x) => (float[2,5,4] y) { y = Einsum<equation="bij,jk->bik">(x, w8x4) }',
        2 * 5 * 8 * 4,
    ),
    "a loop of 300 turns": (
        "g (float[6,4] x) => (float[6,4] y) { n = Constant<value_int=300>()"
        " c = Constant<value_int=1>() b = Cast<to=9>(c) y = Loop(n, b, x)"
        "<body = t (int64 i, bool go, float[6,4] h) =>"
        " (bool go2, float[6,4] o) { go2 = Identity(go) m = MatMul(h, w4x4) o = Tanh(m) }> }",
        300 * 6 * 4 * 4,
    ),
    "nothing but elements": ("g (float[6,4] x) => (float[6,4] y) { y = Tanh(x) }", 0),
}


@pytest.fixture
def schema(schemas):
    return schemas("inspect")


def save(path, text):
    model = onnx.parser.parse_model(HEAD + text)
    rng = np.random.default_rng(0)
    for name in dict.fromkeys(re.findall(r"\b[wb]\d[\dx]*", text)):
        shape = [int(size) for size in name[1:].split("x")]
        array = rng.standard_normal(shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("name", COUNTED)
def test_multiply_accumulates(name, tmp_path, schema):
    text, macs = COUNTED[name]
    found = inspect(save(tmp_path / "net.onnx", text))
    assert list(schema.misfits(found)) == []
    assert (found["cost"]["macs"], found["cost"]["flops"]) == (macs, 2 * macs)
    assert found["cost"]["unknown"] == {}
    assert found["modules"][0]["macs"] == macs


def test_resnet50(schema):
    """4.09 GMACs and 25,557,032 weights are what torchvision says; running statistics are more."""
    found = inspect(LIGHT / "light_resnet50.onnx")
    assert list(schema.misfits(found)) == []
    assert found["supported"]
    assert found["cost"]["macs"] == 4_089_184_256
    assert found["parameters"] == 25_557_032 + 2 * 26_560
    assert found["platforms"] == {"everything_on": ["Ascend", "GPU", "CPU"], "lacking": {}}
    (conv,) = (item for item in found["operators"] if item["name"] == "Conv")
    assert (conv["nodes"], conv["unsupported"]) == (53, 0)


def test_open_sizes_are_a_formula_and_flags(restore):
    found = inspect(restore("dynamo/dyn_hf_bert"))
    assert found["file"]["exporter"] == "dynamo"
    assert found["cost"]["formula"] == (
        "128 * batch * length * length + 16384 * batch * length + 1024 * batch"
    )
    sizes = found["cost"]["sizes"]
    assert found["cost"]["macs"] == eval(found["cost"]["formula"], {}, dict(sizes))
    assert found["dimensions"]["symbols"]["batch"] == ["input_ids", "token_type_ids"]
    assert found["dimensions"]["flags"][:2] == [
        "--shape",
        f"input_ids:{sizes['batch']},{sizes['length']}",
    ]
    modules = {item["path"]: item for item in found["modules"]}
    assert modules["encoder"]["class_name"] == "BertEncoder"
    assert modules["pooler.dense"]["macs"] == 1024 * sizes["batch"]
    assert modules[""]["macs"] == found["cost"]["macs"]
    assert modules[""]["parameters"] == found["parameters"]


def test_operators_that_are_not_supported(tmp_path, capsys, schema):
    text = """g (float[2,8] x) => (float[2,4] y) <float[2,8] s> {
        s = com.acme.Swoosh(x)
        y = MatMul(s, w8x4)
    }"""
    path = save(tmp_path / "net.onnx", text)
    assert cli.main(["inspect", str(path)]) == 1
    out = capsys.readouterr().out
    assert "com.acme.Swoosh" in out
    assert "1 not supported" in out
    assert cli.main(["inspect", str(path), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert list(schema.misfits(found)) == []
    assert found["operators"][0] == {
        "name": "com.acme.Swoosh",
        "nodes": 1,
        "unsupported": 1,
        "reasons": ["no emitter for domain 'com.acme'"],
        "near": ["Swish", "Cosh"],
    }
    assert found["cost"]["unknown"] == {"com.acme.Swoosh": 1}


def test_quantization(tmp_path):
    text = """g (float[2,8] x) => (float[2,8] y) {
        one = Constant<value_float=0.5>()
        zero = Constant<value = int8 {0}>()
        q = QuantizeLinear(x, one, zero)
        y = DequantizeLinear(q, one, zero)
    }"""
    assert inspect(save(tmp_path / "net.onnx", text))["quantization"] == {"qdq": 2}


def test_the_command_prints_tables_and_imports_no_framework(tmp_path):
    path = save(tmp_path / "net.onnx", COUNTED["a Linear of 8 to 4, 6 rows"][0])
    code = (
        "import sys; from onnx2ms.compiler.cli import main; "
        f"status = main(['inspect', {str(path)!r}]); "
        "assert not {'mindspore', 'torch', 'onnxruntime'} & set(sys.modules); sys.exit(status)"
    )
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    words = " ".join(done.stdout.split())
    assert "MACs 192" in words
    assert "FLOPs 384, two a multiply-accumulate" in words
    assert "net.onnx Net 36 192" in words
    assert "claimed on Ascend, GPU, CPU" in words


def test_wrong_use(tmp_path, capsys):
    assert cli.main(["inspect", str(tmp_path / "none.onnx")]) == 1
    assert "no such file" in capsys.readouterr().err


def test_every_field_is_described(schema):
    assert schema.fields() <= schema.described()
