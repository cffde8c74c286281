"""docs/plugins.md: what it shows works, and what it promises is what there is."""

import re
from pathlib import Path

import onnx
import onnx.parser
import pytest

import onnx2ms
from onnx2ms import plugins

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "plugins.md").read_text()
MODEL = """<ir_version: 8, opset_import: ["": 20, "com.acme": 1]>
g (float[2,4] x) => (float[2,4] y) { h = Relu(x) y = com.acme.Swoosh(h) }"""
QUICK = """<ir_version: 8, opset_import: ["": 17]>
g (float[2,4] x) => (float[2,4] y) <float factor = {1.702}> {
    h = Relu(x) s = Mul(factor, h) t = Sigmoid(s) u = Mul(h, t) y = Neg(u)
}"""


def block(language: str, number: int = 0) -> str:
    """Return a piece of code of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[number]


@pytest.fixture
def save(tmp_path):
    def run(text: str) -> Path:
        onnx.save(onnx.parser.parse_model(text), tmp_path / "net.onnx")
        return tmp_path / "net.onnx"

    return run


def test_every_public_name_is_promised():
    table = PAGE[PAGE.index("## What stays") :]
    assert set(re.findall(r"`([A-Za-z_]+)`(?=,| \|)", table)) == set(plugins.__all__)


def test_nothing_else_is_public():
    assert sorted(plugins.__all__, key=str.casefold) == sorted(
        (name for name in vars(plugins) if not name.startswith("_")), key=str.casefold
    )


def test_the_first_plugin_of_the_page_is_proved(save, tmp_path):
    file = tmp_path / "acme.py"
    file.write_text(block("python"))
    found = onnx2ms.convert(save(MODEL), plugins=[file], verify="pynative", check_passes=True)
    assert found.verified
    assert "ops.softplus(x) - x" in found.source


def test_the_pass_of_the_page_finds_its_pattern(save, tmp_path):
    file = tmp_path / "fuse_quick_gelu.onnxtxt"
    file.write_text(block("text"))
    with pytest.raises(onnx2ms.UnsupportedError, match=r"com\.acme\.QuickGelu"):
        onnx2ms.convert(save(QUICK), plugins=[file], verify="none")
    emitter = plugins.emits("QuickGelu", domain="com.acme")(
        lambda op: plugins.call("ops.silu", op[0])
    )
    acme = plugins.Plugin("acme", emitters=[emitter])
    found = onnx2ms.convert(save(QUICK), plugins=[file, acme], verify="none")
    assert found.report["operators"]["after"] == {"Neg": 1, "Relu": 1, "com.acme.QuickGelu": 1}
