"""1,000 hostile names: of the source that is written, nothing is theirs but identifiers."""

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

import pytest

import onnx2ms

HERE = Path(__file__).parent
COUNT, EACH = 1000, 10
OWN = re.compile(r"model\.ckpt|missing|of the network|; | is |, not | does not fit \w+: ")
"""Strings of `build_model`."""

EXPORTERS = ("", "legacy", "dynamo")


def imported(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"hostile_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


names, judge = imported("names"), imported("judge")
NAMES = names.hostile(COUNT)
GROUPS = [NAMES[i : i + EACH] for i in range(0, COUNT, EACH)]


def test_there_are_a_thousand():
    assert len(set(NAMES)) == COUNT


@pytest.mark.parametrize("part", range(10))
def test_the_source_holds_only_what_the_emitter_writes(part: int, tmp_path: Path):
    for i, group in enumerate(GROUPS[part::10]):
        model = names.bearing(group, EXPORTERS[(part + i) % 3])
        folder = tmp_path / "out"
        conversion = onnx2ms.convert(model, folder, verify="none", force=True, model_name=group[6])
        assert list(judge.foreign(conversion.source)) == [], group
        assert not [text for text in texts(conversion.source) if not OWN.fullmatch(text)]
        define(conversion.source, folder)
        assert sorted(file.name for file in tmp_path.iterdir()) == ["out"]
        assert {file.name for file in folder.iterdir()} == judge.FILES
        json.loads((folder / "report.json").read_text("utf-8"))


def texts(source: str) -> set[str]:
    """Return the strings of a module that are no docstrings."""
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    }


def define(source: str, folder: Path) -> None:
    """Import a module, MindSpore stood in for, and see that it defines classes and no more."""
    fake = MagicMock()
    fake.nn.Cell = type("Cell", (), {})
    modules = ("mindspore", "mindspore.common", "mindspore.common.initializer")
    space = {"__name__": "model", "__file__": str(folder / "model.py")}
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(dict.fromkeys(modules, fake))
    try:
        exec(compile(source, "model.py", "exec"), space)
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module
    assert "build_model" in space
    called = {call[0] for call in fake.mock_calls}
    assert called <= {"nn.Cell"}, called
