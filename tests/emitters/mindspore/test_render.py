"""How numbers stand in expressions."""

import pytest

from onnx2ms.emitters.mindspore.code import ATOM, PRODUCT, SUM
from onnx2ms.emitters.mindspore.render import fill


@pytest.mark.parametrize(
    ("place", "number", "expected"),
    [
        (PRODUCT, "length + 1", "x * (length + 1)"),
        (PRODUCT + 1, "height * width", "x * (height * width)"),
        (PRODUCT, "height * width", "x * height * width"),
        (SUM, "height * width", "x * height * width"),
        (ATOM, "-2.0", "x * (-2.0)"),
        (PRODUCT, "-2.0", "x * -2.0"),
        (ATOM, "max(a - 1, 0)", "x * max(a - 1, 0)"),
    ],
)
def test_a_number_is_bracketed_where_it_binds_less(place: int, number: str, expected: str):
    assert fill(f"{{0}} * {{size:{place}}}", ["x"], {"size": number}) == expected
