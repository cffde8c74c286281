"""Plugins in a conversion: what they bring, and that it belongs to that conversion alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import onnx2ms
from onnx2ms.compiler.cli import main
from onnx2ms.compiler.plugins import load
from onnx2ms.passes.rewrite import set_inputs
from onnx2ms.plugins import Helper, Layer, Plugin, emits, find, graph_pass, op, symbol

from .conftest import FOREIGN, PLAIN, TWICE

Write = Callable[..., Path]
FILE = '''"""A plugin in one file."""

from onnx2ms.plugins import Plugin, define, emits, call

meaning = define("""{meaning}""")


@emits("Twice", domain="com.acme")
def twice(op):
    """ops.add."""
    return call("ops.add", op[0], op[0])


plugin = Plugin("filed", emitters=[twice], meanings=[meaning])
'''


@graph_pass(stage="fuse", after=("fuse_gelu",))
def drop_negation(graph):
    """Drop every Neg, which is wrong."""
    nodes = [node for node in graph if node.op_type == "Neg"]
    for node in nodes:
        node.op_type = "Identity"
    return len(nodes)


def by_plugin(write: Write, *plugins: Plugin, text: str = FOREIGN, **options) -> onnx2ms.Conversion:
    options = {"verify": "none", **options}
    return onnx2ms.convert(write(text), plugins=plugins, **options)


def test_an_operator_of_an_unknown_domain_is_proved(write, emitter, meaning):
    plugin = Plugin("acme", emitters=[emitter], meanings=[meaning], version="3")
    found = by_plugin(write, plugin, verify="pynative")
    assert found.verified
    assert found.verification is not None
    assert found.verification.reference.endswith(" and plugin acme")
    assert "ops.add" in found.source
    assert found.report["plugins"] == [{"name": "acme", "version": "3", "source": "Python"}]
    assert found.report["repeat"] is None


def test_checked_before_and_after_every_pass(write, emitter, meaning):
    plugin = Plugin("acme", emitters=[emitter], meanings=[meaning])
    found = by_plugin(write, plugin, check_passes=True)
    assert found.report["unchecked_passes"] == []
    assert any(runs["name"] == "infer_foreign" for runs in found.report["passes"])


def test_without_a_meaning_it_is_not_proved(write, emitter):
    shaped = FOREIGN.replace("(float[2,4] y) {", "(float[2,4] y) <float[2,4] k> {")
    with pytest.raises(onnx2ms.NotProvenError) as caught:
        by_plugin(write, Plugin("acme", emitters=[emitter]), text=shaped, verify="pynative")
    assert caught.value.exit_status == 3
    assert "com.acme.Twice: neither a FunctionProto nor a NumPy reference" in str(caught.value)


def test_a_function_in_the_file_is_a_meaning(write, emitter, tmp_path):
    model = onnx.load(write(FOREIGN))
    model.functions.append(onnx.parser.parse_function(TWICE))
    onnx.save(model, tmp_path / "own.onnx")
    plain = onnx2ms.convert(tmp_path / "own.onnx", verify="none")
    assert plain.report["operators"]["before"] == {"Add": 1, "Neg": 1, "Relu": 1}
    plugin = Plugin("acme", emitters=[emitter])
    found = onnx2ms.convert(
        tmp_path / "own.onnx", plugins=[plugin], verify="pynative", check_passes=True
    )
    assert found.verified
    assert "com.acme.Twice" in found.report["operators"]["after"]
    assert found.report["unchecked_passes"] == []


def test_a_node_in_a_body_is_proved_too(write, emitter, meaning):
    text = """<ir_version: 8, opset_import: ["": 17, "com.acme": 1]>
    g (float[2] x, bool c) => (float[2] y) {
        y = If (c) <then_branch = a () => (float[2] p) { p = com.acme.Twice(x) },
                    else_branch = b () => (float[2] q) { q = Neg(x) }>
    }"""
    plugin = Plugin("acme", emitters=[emitter], meanings=[meaning])
    inputs = {"x": np.ones(2, np.float32), "c": np.asarray(True)}
    found = by_plugin(write, plugin, text=text, verify="pynative", inputs=inputs)
    assert found.verified


def test_constants_are_handed_to_a_meaning(write, emitter, meaning):
    text = FOREIGN.replace("(float[2,4] y) {", "(float[2,4] y) <float[4] w = {1., 2., 3., 4.}> {")
    text = text.replace("com.acme.Twice(h)", "com.acme.Twice(w)").replace("Neg(k)", "Add(k, h)")
    plugin = Plugin("acme", emitters=[emitter], meanings=[meaning])
    assert by_plugin(write, plugin, text=text, verify="pynative").verified


def test_open_sizes_go_through_a_function(write, emitter):
    from onnx2ms.plugins import define

    plugin = Plugin("acme", emitters=[emitter], meanings=[define(TWICE)])
    found = by_plugin(write, plugin, text=FOREIGN.replace("[2,4]", "[batch,4]"), verify="pynative")
    assert found.verified
    assert found.report["outputs"][0]["shape"] == ["batch", 4]


def test_two_conversions_do_not_mix(write, emitter, meaning):
    one = Plugin("one", emitters=[emitter], meanings=[meaning])

    @emits("Twice", domain="com.acme")
    def other_form(op):
        """Twice x."""
        return replace(emitter(op), template="{0} * 2 + 0 * {1}")

    other = Plugin("other", emitters=[other_form], meanings=[meaning])
    first = by_plugin(write, one).source
    second = by_plugin(write, other).source
    assert "ops.add" in first
    assert "* 2" in second
    assert by_plugin(write, one).source == first
    with pytest.raises(onnx2ms.UnsupportedError, match=r"no emitter for domain 'com\.acme'"):
        by_plugin(write)


def test_our_own_emitter_can_be_replaced(write):
    @emits("Relu", replaces=True)
    def relu(op):
        """nn.ReLU, in a helper."""
        return Layer("Rectify", {}, (op[0],), word="rectify")

    helper = Helper(
        "Rectify",
        "import math\nfrom mindspore import nn, ops\n\n\nclass Rectify(nn.Cell):\n"
        "    def construct(self, x):\n        return ops.maximum(x, math.floor(0.5))\n",
    )
    plugin = Plugin("acme", emitters=[relu], helpers=[helper])
    found = by_plugin(write, plugin, text=PLAIN, verify="both")
    assert found.verified
    assert "import math\n" in found.source
    assert "class Rectify(nn.Cell):" in found.source


def test_names_of_helpers_are_no_names_of_values(write):
    @emits("Relu", replaces=True)
    def relu(op):
        """A helper that is called as a value would be."""
        call = op_call("x", op)
        return replace(call, helpers=("x",))

    def op_call(name, op):
        from onnx2ms.plugins import call

        return call(name, op[0])

    helper = Helper("x", "from mindspore import ops\n\n\ndef x(a):\n    return ops.relu(a)\n")
    plugin = Plugin("acme", emitters=[relu], helpers=[helper])
    assert by_plugin(write, plugin, text=PLAIN, verify="pynative").verified


def test_a_pass_may_find_and_replace_foreign_operators(write, emitter, meaning):
    @graph_pass(stage="lower")
    def lower_twice(graph):
        """Write com.acme.Twice as a product."""
        x = symbol("x")
        matches = list(find(graph, op("Twice", x, domain="com.acme")))
        for match in matches:
            match.root.op_type, match.root.domain = "Add", ""
            set_inputs(match.root, match["x"], match["x"])
        return len(matches)

    plugin = Plugin("acme", passes=[lower_twice], meanings=[meaning])
    found = by_plugin(write, plugin, verify="pynative", check_passes=True)
    assert found.verified
    assert found.report["operators"]["after"] == {"Add": 1, "Neg": 1, "Relu": 1}


def test_passes_are_skipped_and_run_alone(write):
    plugin = Plugin("acme", passes=[drop_negation])
    whole = by_plugin(write, plugin, text=PLAIN)
    assert "-ops.relu" not in whole.source
    less = by_plugin(write, plugin, text=PLAIN, skip_passes=["drop_negation", "fuse_gelu"])
    ran = {runs["name"] for runs in less.report["passes"]}
    assert ran.isdisjoint({"drop_negation", "fuse_gelu"})
    assert less.report["options"]["skip_passes"] == ["drop_negation", "fuse_gelu"]
    alone = by_plugin(write, plugin, text=PLAIN, only_passes=["drop_negation"])
    fused = [runs["name"] for runs in alone.report["passes"] if runs["stage"] == "fuse"]
    assert fused == ["drop_negation"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--skip-pass", "fuse_gelo"], "no pass 'fuse_gelo'; did you mean 'fuse_gelu'"),
        (["--only-pass", "nothing"], "no pass 'nothing'"),
        (
            ["--skip-pass", "fuse_gelu", "--only-pass", "fuse_gelu"],
            "both be skipped and be the only",
        ),
        (["--target", "mindspor"], "no target 'mindspor'; did you mean 'mindspore'"),
    ],
)
def test_wrong_use_is_told(write, words, message, capsys):
    assert main([str(write()), "--no-verify", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_file_from_the_command_line(write, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme.py").write_text(FILE.format(meaning=TWICE))
    model, options = str(write(FOREIGN)), ["--plugin", "acme.py"]
    assert main([model, *options, "-o", "out", "--verify", "pynative"]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert report["plugins"] == [{"name": "filed", "version": "", "source": "acme.py"}]
    assert report["repeat"].endswith("--verify pynative --plugin acme.py")
    assert main(["ops", "com.acme.Twice", *options]) == 0
    assert main(["inspect", model, *options]) == 0
    assert main(["passes", *options]) == 0
    assert "plugin     filed" in capsys.readouterr().out
    check = ["verify", "out", "--against", model, "--verify", "pynative"]
    assert main([*check, *options]) == 0
    assert main(check) == 2
    error = capsys.readouterr().err
    assert "written with plugin 'filed', from 'acme.py'" in error
    assert "--plugin FILE.py" in error


def test_the_report_of_a_folder_loads_no_plugin(write, tmp_path, monkeypatch):
    """It is untrusted: a folder may come from anybody."""
    monkeypatch.chdir(tmp_path)
    onnx2ms.convert(write(), "out", verify="none")
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    (tmp_path / "evil.py").write_text("raise SystemExit('run')")
    report["plugins"] = [{"name": "evil", "version": "", "source": "evil.py"}]
    (tmp_path / "out" / "report.json").write_text(json.dumps(report))
    with pytest.raises(onnx2ms.UsageError, match="written with plugin 'evil'"):
        onnx2ms.verify("out", tmp_path / "net.onnx", verify="pynative")


def test_one_alone_needs_no_list(write):
    plugin = Plugin("acme", passes=[drop_negation])
    found = onnx2ms.convert(
        write(), plugins=plugin, verify="none", skip_passes="fuse_gelu", only_passes="drop_negation"
    )
    assert found.report["plugins"][0]["name"] == "acme"
    assert found.report["options"]["skip_passes"] == ["fuse_gelu"]
    assert found.report["options"]["only_passes"] == ["drop_negation"]


def test_a_file_is_run_anew_each_time(tmp_path):
    file = tmp_path / "acme.py"
    for name in ("one", "two"):
        file.write_text(f"from onnx2ms.plugins import Plugin\nplugin = Plugin({name!r})\n")
        assert load.load_plugins([file])[-1].plugin.name == name
