"""Sizes that are computed more than once get a name."""

import pytest

from onnx2ms.emitters.mindspore.code import Host
from onnx2ms.emitters.mindspore.shared_sizes import shared_sizes, size_word

HEIGHT, WIDTH = Host("size 0 2"), Host("size 0 3")
NAMES = {"size 0 2": "height", "size 0 3": "width"}
BLOCKS = Host("//", (Host("+", (HEIGHT, 6)), 7))
PADDED = Host("*", (7, BLOCKS))


def test_each_stands_behind_what_it_is_computed_from():
    assert shared_sizes([(1, PADDED), (PADDED, BLOCKS, BLOCKS)]) == [BLOCKS, PADDED]


def test_what_is_read_once_or_is_short_stays_where_it_is():
    half = Host("//", (HEIGHT, 2))
    assert shared_sizes([(PADDED, HEIGHT), HEIGHT, (half, half)]) == []


@pytest.mark.parametrize(
    ("size", "word"),
    [
        (BLOCKS, "height_blocks"),
        (PADDED, "padded_height"),
        (Host("//", (WIDTH, 2)), "half_width"),
        (Host("%", (Host("*", (-1, WIDTH)), 7)), "width_padding"),
        (Host("*", (HEIGHT, WIDTH)), "area"),
        (Host("+", (WIDTH, -1)), "width_size"),
    ],
)
def test_a_size_is_called_what_it_is(size, word):
    assert size_word(size, NAMES) == word
