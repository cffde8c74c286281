"""Networks that tests share: packed exports of PyTorch's, and those that ship inside onnx."""

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import onnx
import onnx.backend.test
import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers share two cores
# With AVX-512, oneDNN inside MindSpore 2.10 takes its reference convolution, forty times as slow.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "SSE41")

HERE = Path(__file__).parent
LIGHT = Path(onnx.backend.test.__file__).parent / "data" / "light"

Restore = Callable[[str], Path]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden anew from what is emitted"
    )


def imported(path: Path) -> ModuleType:
    """Import a file that belongs to no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # for dataclasses
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def stripped() -> ModuleType:
    """Return the module that takes names and metadata out of a model."""
    return imported(HERE / "data" / "stripped.py")


@pytest.fixture(scope="session")
def reading() -> ModuleType:
    """Return the module that tells how well source reads."""
    return imported(HERE.parent / "benchmarks" / "reading.py")


@pytest.fixture(scope="session")
def restore(tmp_path_factory: pytest.TempPathFactory) -> Restore:
    """Return a function from `exporter/id` of tests/data/index.json to a full .onnx file."""
    zoo = imported(HERE / "data" / "zoo.py")
    index = json.loads((HERE / "data" / "index.json").read_text())
    folder = tmp_path_factory.mktemp("exports")

    def run(key: str) -> Path:
        (entry,) = zoo.select(index, [key])
        path = folder / entry["exporter"] / f"{entry['id']}.onnx"
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            onnx.save(zoo.load(HERE / "data", entry), path)
        return path

    return run


@pytest.fixture(scope="session")
def light() -> Restore:
    """Return a function from a name to a network that ships inside the onnx package."""
    return lambda name: LIGHT / f"light_{name}.onnx"
