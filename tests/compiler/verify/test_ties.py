"""Rows whose order follows nearly equal scores, as a detector returns them."""

import numpy as np
import pytest

from onnx2ms.compiler.verify.outputs import compare_arrays

SCORES = np.array([0.9, 0.5 + 1e-7, 0.5, 0.3], np.float32)
BOXES = np.arange(16, dtype=np.float32).reshape(4, 4)
LABELS = np.array([1, 2, 3, 4])
EXPECTED = {"boxes": BOXES, "scores": SCORES, "labels": LABELS}


def compared(boxes, scores, labels, expected=EXPECTED):
    return compare_arrays(
        [boxes, scores, labels], expected, 1e-5, lambda: dict.fromkeys(expected, 0)
    )


@pytest.mark.parametrize(("order", "passed", "count"), [
    ([0, 1, 2, 3], True, 0),
    ([0, 2, 1, 3], True, 2),  # scores that one rounding tells apart
    ([1, 0, 2, 3], False, 0),  # scores that are not the same
    ([0, 1, 1, 3], False, 0),  # a row twice, and one lacking
])  # fmt: skip
def test_rows_in_another_order(order, passed, count):
    results = compared(BOXES[order], SCORES, LABELS[order])
    assert all(result.passed for result in results) is passed
    assert [result.reordered for result in results] == [count, 0, count]


def test_a_row_moves_as_a_whole():
    """Boxes in one order and labels in another are no rows of the model's."""
    results = compared(BOXES[[0, 2, 1, 3]], SCORES, LABELS)
    assert [result.passed for result in results] == [False, True, True]


def test_scores_must_agree_where_they_stand():
    results = compared(BOXES[[0, 2, 1, 3]], SCORES[::-1].copy(), LABELS[[0, 2, 1, 3]])
    assert [result.passed for result in results] == [False, False, False]


def test_without_scores_nothing_is_forgiven():
    rising = {**EXPECTED, "scores": np.array([0.5, 0.5, 0.9, 0.9], np.float32)}
    results = compared(BOXES[[1, 0, 2, 3]], rising["scores"], LABELS[[1, 0, 2, 3]], rising)
    assert [result.passed for result in results] == [False, True, False]


def test_an_error_in_a_row_of_equal_scores_is_found():
    boxes = BOXES[[0, 2, 1, 3]].copy()
    boxes[1, 2] += 0.1
    results = compared(boxes, SCORES, LABELS[[0, 2, 1, 3]])
    assert [result.passed for result in results] == [False, True, False]


def test_many_equal_scores():
    rng = np.random.default_rng(0)
    order = rng.permutation(300)
    scores = np.full(300, 0.25, np.float32)
    boxes, labels = rng.random((300, 4), np.float32), rng.integers(0, 9, 300)
    expected = {"boxes": boxes, "scores": scores, "labels": labels}
    results = compared(boxes[order], scores, labels[order], expected)
    assert all(result.passed for result in results)
