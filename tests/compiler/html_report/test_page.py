"""`report.html` holds what the report says, in one file that runs nothing but its own script."""

import base64
import hashlib
import html
import json
import re
from typing import Any

from onnx2ms import convert

from .conftest import HOSTILE, network


def script(text: str) -> Any:
    """Return what the page's script reads."""
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)
    assert found is not None
    return json.loads(found[1])


def test_names_reach_the_page_as_text(text):
    assert HOSTILE not in text
    assert "{{" not in text.replace("{{ 7 * 7 }}", "")
    assert any(HOSTILE in name for name in script(text)["values"])


def test_only_its_own_scripts_and_style_may_run(text):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html.unescape(text))
    allowed = set(re.findall(r"'sha256-([^']*)'", policy))
    parts = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", text, re.S)
    hashes = [base64.b64encode(hashlib.sha256(p.encode()).digest()).decode() for p in parts]
    assert len(parts) == 5
    assert allowed == set(hashes)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_is_loaded_from_elsewhere(text):
    without_comment = re.sub(r"/\* @dagrejs.*?\*/", "", text, flags=re.S)
    addresses = set(re.findall(r"https?://[\w./]+", without_comment))
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_every_value_has_its_error(conversion, text):
    values = conversion.verification.modes[0].values
    assert values == script(text)["errors"]["pynative"]
    assert set(values) == {place.value for place in conversion.source_map}
    assert max(values.values()) < 1e-6


def test_modules_of_both_graphs_are_told(text):
    data = script(text)
    paths = {path for path, _ in data["paths"]}
    assert {"", "encoder.layers.0", "encoder.layers.1", "head"} <= paths
    assert len(data["before"]) == 6
    assert all(0 <= row[4] < len(data["paths"]) for row in data["before"] + data["after"])


def test_without_a_proof_the_page_says_so(tmp_path):
    convert(network(), tmp_path / "out", verify="none", html=True)
    text = (tmp_path / "out" / "report.html").read_text()
    assert "not checked" in text
    assert "No output was compared." in text
    assert script(text)["errors"] == {}


def test_nobody_asked_for_a_page(tmp_path):
    convert(network(), tmp_path / "out", verify="none")
    assert not (tmp_path / "out" / "report.html").exists()
