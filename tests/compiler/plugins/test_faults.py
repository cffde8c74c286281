"""Whatever a plugin does wrong is one message with its name."""

import re
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

import onnx2ms
from onnx2ms import PassError, PluginError
from onnx2ms.compiler.cli import main
from onnx2ms.compiler.plugins import load
from onnx2ms.plugins import (
    Helper,
    Meaning,
    Plugin,
    Target,
    call,
    define,
    emits,
    graph_pass,
    reference,
)

from .conftest import FOREIGN, PLAIN


def made(function, **place):
    return graph_pass(**{"stage": "fuse", **place})(function)


def raising(graph):
    """Divide by zero."""
    return 1 // 0


def silent(graph):
    """Forget to tell what changed."""


def breaking(graph):
    """Let a node read what nobody makes."""
    node = graph[0]
    node.op_type = "Nonsense"
    return 1


def lying(graph):
    """Take Relu for Sigmoid."""
    changed = [node for node in graph if node.op_type == "Relu"]
    for node in changed:
        node.op_type = "Sigmoid"
    return len(changed)


def nothing(graph):
    """Do nothing."""
    return 0


@emits("Relu", replaces=True)
def emit_nothing(op) -> Any:
    """Nothing."""


@emits("Relu", replaces=True)
def emit_nonsense(op):
    """No Python."""
    return call("ops.relu)(", op[0])


@emits("Relu", replaces=True)
def emit_unknown(op):
    """A helper that is not there."""
    return replace(call("rectify", op[0]), helpers=("rectify",))


@emits("Relu", replaces=True)
def emit_error(op):
    """An error."""
    return op.nothing


@emits("Relu")
def emit_ours(op) -> Any:
    """What is ours."""


@emits("Twice", domain="com.acme", versions=(2, 3))
def emit_newer(op) -> Any:
    """Of another version."""


class Broken:
    def emit(self, model, options):
        raise KeyError("nothing")


HELPER = Helper("one", "def one(x):\n    return x\n")

FAULTS = {
    "a pass raises": (
        Plugin("acme", [made(raising)]),
        "pass raising of plugin acme failed: ZeroDivisionError",
    ),
    "a pass returns nothing": (
        Plugin("acme", [made(silent)]),
        "pass silent of plugin acme failed: TypeError: it returned None",
    ),
    "a pass breaks the graph": (
        Plugin("acme", [made(breaking)]),
        "pass breaking of plugin acme left an invalid model",
    ),
    "a pass has no place": (
        Plugin("acme", [made(nothing, after=("fuse_gelo",))]),
        "pass nothing of plugin acme is to run after 'fuse_gelo': no such pass; did you mean",
    ),
    "a pass has no stage": (
        Plugin("acme", [made(nothing, stage="")]),
        "pass nothing of plugin acme is to stand in no stage",
    ),
    "a stage is unknown": (
        Plugin("acme", [made(nothing, stage="fusing")]),
        "pass nothing of plugin acme is to stand in stage 'fusing'",
    ),
    "a pass comes too late": (
        Plugin("acme", [made(nothing, after=("lower_types",))]),
        "pass nothing of plugin acme must run after lower_types",
    ),
    "a pass replaces nothing": (
        Plugin("acme", [made(nothing, replaces=("fuse_gelo",))]),
        "pass nothing of plugin acme replaces 'fuse_gelo': no such pass; did you mean",
    ),
    "an emitter raises": (
        Plugin("acme", emitters=[emit_error]),
        "plugin acme: the emitter of Relu failed at node 'make_h': AttributeError",
    ),
    "an emitter returns nothing": (
        Plugin("acme", emitters=[emit_nothing]),
        "plugin acme: the emitter of Relu returned NoneType, no Code",
    ),
    "an emitter writes nonsense": (
        Plugin("acme", emitters=[emit_nonsense]),
        "plugin acme: the source is no Python: SyntaxError",
    ),
    "a helper is not there": (
        Plugin("acme", emitters=[emit_unknown]),
        "no plugin brings the helper 'rectify'",
    ),
    "an emitter is ours": (
        Plugin("acme", emitters=[emit_ours]),
        "plugin acme brings the emitter of Relu, and so does onnx2ms",
    ),
    "a target is ours": (
        Plugin("acme", targets=[Target("mindspore", Broken())]),
        "plugin acme brings the target mindspore, and so does onnx2ms",
    ),
    "a helper is ours": (
        Plugin("acme", helpers=[Helper("slice_axes", "def slice_axes():\n    pass\n")]),
        "plugin acme brings the helper slice_axes, and so does onnx2ms",
    ),
    "a pass bears the name of ours": (
        Plugin("acme", [replace(made(nothing), name="fuse_gelu")]),
        "plugin acme has a pass fuse_gelu, and so has onnx2ms",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_the_plugin(name, write):
    plugin, message = FAULTS[name]
    with pytest.raises((PluginError, PassError), match=re.escape(message)) as caught:
        onnx2ms.convert(write(PLAIN), plugins=[plugin], verify="none")
    assert caught.value.exit_status == 1
    assert caught.value.help


def test_what_changes_the_result_is_found(write):
    with pytest.raises(PassError, match="pass lying of plugin acme changed what the model"):
        onnx2ms.convert(
            write(PLAIN), plugins=[Plugin("acme", [made(lying)])], verify="none", check_passes=True
        )


CLAIMS = {
    "a name": ({"passes": [made(nothing)]}, "plugin b has a pass nothing, and so has plugin a"),
    "an emitter": (
        {"emitters": [emit_newer]},
        "plugin b brings the emitter of com.acme.Twice, and so does plugin a",
    ),
    "an emitter of ours": (
        {"emitters": [emit_error]},
        "plugin b brings the emitter of Relu, and so does plugin a",
    ),
    "a helper": ({"helpers": [HELPER]}, "plugin b brings the helper one, and so does plugin a"),
    "a target": (
        {"targets": [Target("t", Broken())]},
        "plugin b brings the target t, and so does plugin a",
    ),
    "a meaning": (
        {"meanings": [Meaning("T", "d", abs)]},
        "plugin b brings the meaning of d.T, and so does plugin a",
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_two_plugins_claim_the_same(name, write):
    parts, message = CLAIMS[name]
    with pytest.raises(PluginError, match=re.escape(message)):
        onnx2ms.convert(write(), plugins=[Plugin("a", **parts), Plugin("b", **parts)])


def test_two_passes_replace_the_same(write):
    def other(graph):
        """Do nothing either."""
        return 0

    plugins = [
        Plugin("a", [made(nothing, replaces=("fuse_gelu",))]),
        Plugin("b", [made(other, replaces=("fuse_gelu",))]),
    ]
    message = "pass other of plugin b replaces fuse_gelu, and so does pass nothing of plugin a"
    with pytest.raises(PluginError, match=message):
        onnx2ms.convert(write(), plugins=plugins)


def test_two_plugins_of_one_name(write):
    with pytest.raises(PluginError, match="two plugins are called acme: Python and Python"):
        onnx2ms.convert(write(), plugins=[Plugin("acme"), Plugin("acme")])


def test_another_version_of_a_domain(write):
    plugin = Plugin("acme", emitters=[emit_newer])
    with pytest.raises(onnx2ms.UnsupportedError, match=r"for version 2, 3 of com\.acme, not 1"):
        onnx2ms.convert(write(FOREIGN), plugins=[plugin], verify="none")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"name": "a b"}, "a plugin cannot be called 'a b'"),
        ({"passes": [raising]}, "plugin acme: its passes must be a list of Pass, but there is"),
        ({"passes": made(nothing)}, "plugin acme: its passes must be a list, but there is 'Pass'"),
        ({"emitters": [None]}, "its emitters must be a list of OperatorEmitter"),
        (
            {"helpers": [Helper("one", "def two(): pass")]},
            "helper 'one' cannot be used: ValueError",
        ),
        ({"helpers": [Helper("one", "def one(:")]}, "helper 'one' cannot be used: SyntaxError"),
        ({"helpers": [Helper("one", "import torch\ndef one(): pass")]}, "import torch"),
        ({"helpers": ["missing.py"]}, "helper 'missing.py' cannot be used: FileNotFoundError"),
    ],
)
def test_a_plugin_is_no_plugin(parts, message):
    with pytest.raises(PluginError, match=re.escape(message)):
        Plugin(**{"name": "acme", **parts})


@pytest.mark.parametrize(
    "text", ["nonsense", '<opset_import: ["": 17]> F (x) => (y) {y = Abs (x)}']
)
def test_a_definition_is_no_text(text):
    with pytest.raises(PluginError, match="a definition cannot be read"):
        define(text)


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda x: 1 // 0, "the reference of com.acme.Twice failed: ZeroDivisionError"),
        (lambda x: (), "the reference of com.acme.Twice returned 0 of 1 outputs"),
    ],
)
def test_a_reference_fails(compute, message, write, emitter):
    meaning = reference("Twice", domain="com.acme")(compute)
    plugin = Plugin("acme", emitters=[emitter], meanings=[meaning])
    with pytest.raises(PluginError, match=f"plugin acme: {message}"):
        onnx2ms.convert(write(FOREIGN), plugins=[plugin], verify="pynative")


def test_a_reference_that_says_something_else_is_not_proved(write, emitter):
    meaning = reference("Twice", domain="com.acme")(lambda x: x * np.float32(3))
    plugin = Plugin("acme", emitters=[emitter], meanings=[meaning])
    with pytest.raises(onnx2ms.NotProvenError, match="first diverging node: 'make_k'"):
        onnx2ms.convert(write(FOREIGN), plugins=[plugin], verify="pynative")


def test_a_target_fails(write):
    plugin = Plugin("acme", targets=[Target("broken", Broken())])
    with pytest.raises(PluginError, match="plugin acme: the target broken failed: KeyError"):
        onnx2ms.convert(write(), plugins=[plugin], target="broken")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gone.py", None, "plugin gone.py cannot be loaded: FileNotFoundError"),
        ("no_such_module", None, "plugin no_such_module cannot be loaded: ModuleNotFoundError"),
        ("a.py", "x = 1\n1 // 0\n", "plugin a.py cannot be loaded: ZeroDivisionError"),
        ("a.py", "raise SystemExit(5)", "plugin a.py cannot be loaded: SystemExit: 5"),
        ("a.py", "def (", "plugin a.py cannot be loaded: SyntaxError"),
        ("a.py", "x = 1", "plugin a.py is no plugin: its `plugin` is NoneType"),
        (
            "a.py",
            "from onnx2ms.plugins import Plugin\nplugin = Plugin('a b')",
            "plugin a.py cannot be loaded: a plugin cannot be called 'a b'",
        ),
        ("a.onnxtxt", "nothing", "the pass a lacks a line ----- becomes -----"),
    ],
)
def test_a_plugin_cannot_be_loaded(name, text, message, write, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / name).write_text(text)
    assert main([str(write()), "--no-verify", "--plugin", name]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "net_mindspore").exists()


def test_an_installed_plugin_cannot_be_loaded(monkeypatch):
    entry = EntryPoint("acme", "no_such_module:plugin", load.GROUP)
    monkeypatch.setattr(load, "entry_points", lambda group: [entry])
    with pytest.raises(PluginError, match="plugin entry point acme cannot be loaded"):
        load.load_plugins()
