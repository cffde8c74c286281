from pathlib import Path

import onnx
import onnx.parser
import pytest

from onnx2ms.compiler.importer.load import load_model

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


@pytest.fixture
def write(tmp_path):
    """Write a model, given as ONNX text or as a message, and return its path."""

    def write(model, name="net.onnx"):
        if isinstance(model, str):
            model = onnx.parser.parse_model(model)
        path = tmp_path / name
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        return path

    return write


@pytest.fixture
def load(write):
    """Write a model and read it as the driver does."""

    def load(model, **options):
        return load_model(write(model), **options)

    return load


@pytest.fixture(params=sorted(LIGHT.glob("light_*.onnx")), ids=lambda path: path.stem)
def light(request):
    """A network that ships in the onnx package."""
    return request.param
