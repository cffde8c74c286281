"""Names of the model become identifiers, or nothing of them reaches the source."""

import keyword

import pytest

from onnx2ms.emitters.mindspore.code import Literal, literal
from onnx2ms.emitters.mindspore.naming import attribute, class_name, identifier, singular, unique

HOSTILE = [
    "",
    "0",
    "class",
    "None",
    "self",
    "__import__('os').system('true')",
    'x"""\nimport os',
    "a'b\\",
    "../../etc/passwd",
    "名前",
    "\u202eevil",
    "x" * 10_000,
    "{0}",
    "a.b.c",
    "ms",
    "construct",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_identifier_is_one(name: str):
    text = identifier(name)
    assert text.isidentifier()
    assert text.isascii()
    assert not keyword.iskeyword(text)
    assert len(text) <= 50


@pytest.mark.parametrize("name", HOSTILE)
def test_attribute_is_an_identifier_or_a_number(name: str):
    text = attribute(name)
    assert text.isidentifier() or text.isdigit()
    assert text not in {"construct", "self", "name", "cells"}


@pytest.mark.parametrize("name", HOSTILE)
def test_class_name_is_an_identifier(name: str):
    text = class_name(name)
    assert text.isidentifier()
    assert not keyword.iskeyword(text)


@pytest.mark.parametrize("name", HOSTILE)
def test_string_literal_is_read_back_as_it_was(name: str):
    assert eval(literal(name)) == name


@pytest.mark.parametrize("value", [0.1, float("inf"), -0.0, (1,), (), (True, None), 3, "it's"])
def test_literal_is_read_back_as_it_was(value: Literal):
    assert repr(eval(literal(value))) == repr(value)


def test_nan_literal():
    assert str(eval(literal(float("nan")))) == "nan"


def test_unique_counts_from_two():
    assert unique("conv", {"conv", "conv_2"}) == "conv_3"


@pytest.mark.parametrize(
    ("many", "one"),
    [("Layers", "Layer"), ("Branches", "Branch"), ("Class", "Class"), ("Res", "Re")],
)
def test_singular(many: str, one: str):
    assert singular(many) == one
