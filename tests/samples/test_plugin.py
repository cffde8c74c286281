"""The sample package of a plugin: installed, it is used without being named."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

import onnx2ms

SAMPLE = Path(__file__).parents[2] / "samples" / "plugin"
TEXT = """<ir_version: 8, opset_import: ["": 17, "com.acme": 1]>
g (float[2,8] x) => (float[2,3] y) <float four = {4.0}, float slope = {0.08}, float one = {1.0},
                                    float offset = {0.035}> {
    minus = Neg(x) plus = Neg(minus) product = MatMul(plus, w) h = Add(product, b)
    s1 = Sub(h, four) soft = Softplus(s1) l1 = Mul(h, slope) d1 = Sub(soft, l1) a = Sub(d1, offset)
    s2 = Sub(a, four) e = Exp(s2) m = Add(one, e) lg = Log(m) l2 = Mul(a, slope) d2 = Sub(lg, l2)
    c = Sub(d2, offset)
    k = com.acme.Swoosh <shift = 1.0, offset = 0.08> (c)
    y = MatMul(k, v)
}"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file in which every part of the plugin has something to do."""
    proto = onnx.parser.parse_model(TEXT)
    rng = np.random.default_rng(0)
    for name, shape in (("w", (8, 16)), ("b", (16,)), ("v", (16, 3))):
        array = 3 * rng.standard_normal(shape).astype(np.float32)
        proto.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    for node in proto.graph.node:
        node.name = f"make_{node.output[0]}"
    path = tmp_path_factory.mktemp("model") / "net.onnx"
    onnx.save(proto, path)
    return path


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Install the package, and return a function that runs onnx2ms where it is installed."""
    place = tmp_path_factory.mktemp("site")
    sources = tmp_path_factory.mktemp("sources") / "plugin"
    for file in SAMPLE.rglob("*"):  # building writes beside the sources
        if file.is_file() and "__pycache__" not in file.parts:
            target = sources / file.relative_to(SAMPLE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([sys.executable, *pip, "--target", str(place), str(sources)], check=True)
    paths = os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "onnx2ms", *words],
            env=os.environ | {"PYTHONPATH": paths},
            cwd=place,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_installed_it_is_used_and_proved(command, model, tmp_path):
    out = tmp_path / "out"
    told = command(str(model), "-o", str(out), "--check-passes")
    assert "proved in PYNATIVE and GRAPH mode against onnxruntime" in told
    report: dict[str, Any] = json.loads((out / "report.json").read_bytes())
    entry = {"name": "acme", "version": "0.1", "source": "entry point acme of acme-onnx2ms 0.1"}
    assert report["plugins"] == [entry]
    assert report["unchecked_passes"] == []
    changed = {runs["name"] for runs in report["passes"] if runs["changes"]}
    assert {"fuse_swoosh", "fuse_quick_swoosh", "drop_double_negation"} <= changed
    assert report["operators"]["after"] == {"Gemm": 1, "MatMul": 1, "com.acme.Swoosh": 3}
    source = (out / "model.py").read_text()
    assert source.count("class Swoosh(nn.Cell):") == 1
    assert "acme" not in source
    told = command("verify", str(out), "--against", str(model), "--gradients")
    assert "the same in PYNATIVE and GRAPH mode as difference quotients" in told


def test_commands_show_it_with_its_origin(command):
    passes = command("passes")
    assert "Let the readers of -(-x) read x. (plugin acme)" in passes
    after = passes.index("  fuse_softplus ")
    assert after < passes.index("  fuse_swoosh ") < passes.index("  fuse_quick_swoosh ")
    assert "(plugin acme)" in command("ops")
    told = command("ops", "com.acme.Swoosh")
    assert all(word in told for word in ("plugin     acme", "versions   1", "gradient   yes"))


def test_another_target_is_proved(command, model, tmp_path):
    pytest.importorskip("torch", reason="the target of the sample is PyTorch")
    out = tmp_path / "out"
    told = command(str(model), "-o", str(out), "--target", "torch")
    assert "proved in TORCH mode against onnxruntime" in told
    assert (out / "model.safetensors").exists()
    assert "mindspore" not in (out / "model.py").read_text()


@pytest.mark.parametrize("name", ["resnet50", "squeezenet"])
def test_a_whole_network_for_another_target(name, command, light, tmp_path):
    pytest.importorskip("torch", reason="the target of the sample is PyTorch")
    told = command(str(light(name)), "-o", str(tmp_path / "out"), "--target", "torch")
    assert "proved in TORCH mode" in told


def test_the_source_for_another_target_is_python_without_torch(model, monkeypatch):
    monkeypatch.syspath_prepend(SAMPLE)
    found = onnx2ms.convert(model, plugins=["acme_onnx2ms"], target="torch", verify="none")
    assert "F.softplus(" in found.source
    compile(found.source, "model.py", "exec")
