"""Small models with an operator that nobody but a plugin knows."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from onnx2ms.plugins import Code, Meaning, Op, OperatorEmitter, call, define, emits, reference

FOREIGN = """<ir_version: 8, opset_import: ["": 17, "com.acme": 1]>
g (float[2,4] x) => (float[2,4] y) {
    h = Relu(x)
    k = com.acme.Twice(h)
    y = Neg(k)
}"""
PLAIN = """<ir_version: 8, opset_import: ["": 17]>
g (float[2,4] x) => (float[2,4] y) { h = Relu(x) y = Neg(h) }"""
TWICE = '<domain: "com.acme", opset_import: ["": 17]> Twice (x) => (y) { y = Add (x, x) }'


@emits("Twice", domain="com.acme", versions=(1,))
def twice(op: Op) -> Code:
    """ops.add."""
    return call("ops.add", op[0], op[0])


def defined() -> Meaning:
    return define(TWICE)


@reference("Twice", domain="com.acme")
def computed(x: np.ndarray) -> np.ndarray:
    return x + x


@pytest.fixture
def emitter() -> OperatorEmitter:
    """Return what com.acme.Twice becomes."""
    return twice


@pytest.fixture(params=[defined(), computed], ids=["function", "numpy"])
def meaning(request: pytest.FixtureRequest) -> Meaning:
    """Return what com.acme.Twice computes, told in either way."""
    return request.param


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function from ONNX text to a file with named nodes."""

    def run(text: str = PLAIN) -> Path:
        model = onnx.parser.parse_model(text)
        for node in model.graph.node:
            node.name = f"make_{node.output[0]}"
        path = tmp_path / "net.onnx"
        onnx.save(model, path)
        return path

    return run
