"""However a child ends, there is a clear result. MindSpore is a stub here."""

import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import pytest

from onnx2ms.compiler.verify import verify as module
from onnx2ms.compiler.verify.verify import verify_folder

MODEL = """
import os
import signal
import sys
import time

import mindspore as ms
import numpy as np
from mindspore import nn


class Net(nn.Cell):
    def construct(self, x):
        y = np.maximum(x.array, 0)
        {body}


def build_model(checkpoint=None):
    return Net()
"""


@pytest.fixture
def verify(stub, tmp_path, capfd):
    """Return a function that verifies a body against y = Relu(x) in PYNATIVE mode."""
    proto = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["": 20]> g (float[2] x) => (float[2] y) { y = Relu (x) }'
    )
    onnx.save(proto, tmp_path / "m.onnx")
    folder = tmp_path / "out"
    folder.mkdir()

    def run(body, text=MODEL, **options):
        (folder / "model.py").write_text(text.format(body=body))
        result = verify_folder(
            folder,
            model=tmp_path / "m.onnx",
            lowered=ir.from_proto(proto),
            inputs=[{"x": np.array([1.5, -1], np.float32)}],
            source_map=[],
            modes=["pynative"],
            **options,
        )
        assert [file.name for file in folder.iterdir()] == ["model.py"]
        assert capfd.readouterr() == ("", "")
        (mode,) = result.modes
        assert result.verified == mode.verified
        return mode

    return run


def test_right(verify):
    mode = verify("return ms.Tensor(y)")
    assert mode.verified
    assert (mode.failure, mode.explanation) == ("", "")
    (output,) = mode.outputs
    assert (output.name, output.dtype, output.shape) == ("y", "float32", (2,))
    assert (output.error, output.tolerance, output.noise, output.passed) == (0.0, 1e-5, None, True)
    assert mode.peak_memory > 10**6
    assert {"import", "build", "first call", "second call"} <= set(mode.seconds)


def test_what_it_prints_is_not_seen(verify):
    assert verify("print('hello'); print('oh', file=sys.stderr); return ms.Tensor(y)").verified


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return ms.Tensor(y.astype(np.float16))", "dtype float16, expected float32"),
        ("return ms.Tensor(y[None])", "shape [1, 2], expected [2]"),
        ("return ms.Tensor(y * np.nan)", "NaN at 2 places where the reference has none"),
        ("return 3", "int, expected a Tensor"),
        ("return ms.Tensor(y + 0.1)", ""),
    ],
)
def test_wrong_outputs(verify, body, problem):
    mode = verify(body)
    assert not mode.verified
    assert mode.outputs[0].problem == problem
    assert not mode.outputs[0].passed
    assert mode.explanation == "no value on the way could be read: the source map is empty"


def test_tolerance_is_the_users(verify):
    assert verify("return ms.Tensor(y * np.float32(1.001))", tolerance=1e-2).verified


def test_the_references_own_noise_widens_the_tolerance(verify, monkeypatch):
    monkeypatch.setattr(module, "noise", lambda *a: {"y": 0.1})
    mode = verify("return ms.Tensor(y * np.float32(1.25))")
    assert mode.verified
    (output,) = mode.outputs
    assert (output.error, output.tolerance, output.noise) == (0.25, 0.4, 0.1)
    mode = verify("return ms.Tensor(y * np.float32(1.5))")
    assert not mode.verified
    assert mode.outputs[0].noise == 0.1


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (
            "raise ValueError('no good\\nat all\\n\\nand so on')",
            "ValueError: no good at all (model.py, line 15: raise ValueError('no good",
        ),
        (
            "os.kill(os.getpid(), signal.SIGSEGV)",
            "MindSpore crashed with SIGSEGV during first call",
        ),
        ("sys.exit('enough')", "the process ended with status 1 during first call: enough"),
        ("return ms.Tensor(y), 1", "construct returned 2 outputs, the model has 1"),
    ],
)
def test_failures(verify, body, failure):
    mode = verify(body)
    assert mode.failure.startswith(failure)
    assert mode.outputs == ()
    assert not mode.verified


def test_a_child_that_takes_too_long_is_ended(verify):
    mode = verify("time.sleep(60)", timeout=1.5)
    assert mode.failure == "it did not end within 1.5 seconds (first call)"


def test_an_error_of_the_second_call_counts(verify):
    mode = verify("self.n = getattr(self, 'n', 0) + 1; return ms.Tensor(y / (2 - self.n or None))")
    assert "TypeError" in mode.failure
    assert mode.outputs == ()


def test_errors_while_importing_and_building(verify):
    mode = verify("", text="def f(:")
    assert mode.failure.startswith("SyntaxError: ")
    assert mode.failure.endswith("(model.py, line 1: def f(:)")
    assert verify("", text="import nowhere").failure.endswith("line 1: import nowhere)")
