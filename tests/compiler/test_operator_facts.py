"""What is told of operators: by `onnx2ms ops`, and in docs/operators.md."""

import pytest

from onnx2ms.compiler.cli import main
from onnx2ms.compiler.operator_facts import operator_facts
from onnx2ms.emitters.mindspore.gradients import WITHOUT_GRADIENT
from onnx2ms.emitters.mindspore.operators import EMITTERS

FACTS = {fact.name: fact for fact in operator_facts()}


def test_every_operator_says_what_it_becomes():
    assert not [name for (domain, name), emit in EMITTERS.items() if not domain and not emit.doc]
    assert FACTS["Abs"].form == "ops.abs."


def test_operators_without_gradient_are_emitted():
    assert set(EMITTERS) >= WITHOUT_GRADIENT
    assert FACTS["Gemm"].gradient
    assert not FACTS["ArgMax"].gradient


def test_platforms_are_those_of_every_function():
    assert FACTS["Abs"].platforms == ("Ascend", "GPU", "CPU")


def test_all_are_listed(capsys):
    assert main(["ops"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(FACTS)
    assert any(line.startswith("Gemm ") for line in lines)


@pytest.mark.parametrize("name", ["Resize", "resize", "onnx2ms.Glu"])
def test_one_is_told(name, capsys):
    assert main(["ops", name]) == 0
    assert "MindSpore" in capsys.readouterr().out


def test_an_unknown_one_is_an_error(capsys):
    assert main(["ops", "Gem\x1b"]) == 2
    error = capsys.readouterr().err
    assert "help: did you mean Gemm?" in error
    assert "\x1b" not in error
