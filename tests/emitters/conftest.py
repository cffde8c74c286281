"""Emits small models that are written as ONNX text."""

from collections.abc import Callable

import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.provenance import Module, set_origins, set_scope
from onnx2ms.emitters.base import Emission, EmitOptions
from onnx2ms.emitters.mindspore import MindSporeEmitter
from onnx2ms.passes.shapes.infer_shapes import infer_shapes

Emit = Callable[..., Emission]


def read_model(text: str, scopes: dict[str, str], classes: dict[str, str]) -> ir.Model:
    """Return a model; nodes are named by what they make, and scopes go by these names.

    In `layers.0|fc` the list `layers` is not a module that is called, in `layers.0.fc` it is.
    """
    model = ir.from_onnx_text(f'<ir_version: 10, opset_import: ["": 24]>\n{text}')
    for node in model.graph:
        node.name = node.outputs[0].name
        path = scopes.get(node.name or "", "")
        called = path.rstrip("|").split("|") if "|" in path else path.split(".") if path else []
        paths = ["", *(".".join(called[: i + 1]) for i in range(len(called)))]
        if scopes:
            set_scope(node, tuple(Module(p, classes.get(p, "")) for p in paths))
        set_origins(node, [node.name or ""])
    infer_shapes(model.graph)
    return model


@pytest.fixture
def emit() -> Emit:
    """Return a function that emits ONNX text."""

    def run(
        text: str,
        scopes: dict[str, str] | None = None,
        classes: dict[str, str] | None = None,
        name: str = "net.onnx",
    ) -> Emission:
        model = read_model(text, scopes or {}, classes or {})
        options = EmitOptions(name, "test", 24, "model.ckpt", "0")
        return MindSporeEmitter().emit(model, options)

    return run
