import ml_dtypes
import numpy as np
import pytest

from onnx2ms.compiler.verify.compare import difference, tolerance_of

NAN, INF = np.nan, np.inf


def floats(*values, dtype: type[np.generic] = np.float32):
    return np.array(values, dtype)


def test_error_is_relative_to_the_largest_expected_value():
    apart = difference(floats(1.0, 2.5), floats(1.0, 2.0))
    assert (apart.max_abs, apart.error, apart.problem) == (0.5, 0.25, "")


@pytest.mark.parametrize(
    ("actual", "expected", "error"),
    [
        (floats(0.0, 0.0), floats(0.0, 0.0), 0.0),
        (floats(0.1, 0.0), floats(0.0, 0.0), INF),
        (floats(), floats(), 0.0),
        (floats(NAN, 1.0), floats(NAN, 1.0), 0.0),
        (floats(INF, -INF, 1.0), floats(INF, -INF, 1.0), 0.0),
        (floats(INF, 3.0), floats(INF, 2.0), 0.5),
    ],
)
def test_zeros_empty_tensors_and_equal_special_values(actual, expected, error):
    apart = difference(actual, expected)
    assert apart.problem == ""
    assert apart.error == error


def test_error_is_computed_in_double_precision():
    big = floats(60000.0, dtype=np.float16)
    assert difference(np.negative(big), big).error == 2.0


@pytest.mark.parametrize(
    ("actual", "expected", "problem"),
    [
        (floats(NAN, 1), floats(1, 1), "NaN at 1 place where the reference has none"),
        (floats(1, 1), floats(NAN, NAN), "no NaN at 2 places where expected"),
        (floats(1, INF), floats(1, 1), "an infinity at 1 place where the reference has none"),
        (floats(1, 1), floats(1, INF), "no infinity at 1 place where expected"),
        (floats(INF), floats(-INF), "infinities of the other sign"),
        (floats(1, 2), floats(1), "shape [2], expected [1]"),
        (floats(1, dtype=np.float64), floats(1), "dtype float64, expected float32"),
        (np.array([1, 2, 3]), np.array([1, 5, 4]), "2 elements of 3 not equal"),
        (np.array([True]), np.array([False]), "1 element of 1 not equal"),
        (np.array(["a"]), np.array(["b"]), "1 element of 1 not equal"),
    ],
)
def test_what_no_tolerance_forgives(actual, expected, problem):
    assert difference(actual, expected).problem == problem


def test_integers_report_how_far_they_are():
    apart = difference(np.array([1, 2]), np.array([1, 4]))
    assert (apart.max_abs, apart.error) == (2.0, 0.5)


def test_types_may_differ_where_only_values_count():
    assert difference(np.array([3], np.int32), np.array([3]), same_type=False).problem == ""


def test_tolerance_by_type():
    names = ["float32", "float64", "float16", "int64", "bool"]
    assert [tolerance_of(np.dtype(n)) for n in names] == [1e-5, 1e-5, 2e-3, 0.0, 0.0]
    assert tolerance_of(np.dtype(ml_dtypes.bfloat16)) == 2e-2
    assert tolerance_of(np.dtype("float32"), 1e-3) == 1e-3
    assert tolerance_of(np.dtype("float16"), 1e-3) == 2e-3
    assert tolerance_of(np.dtype("float16"), 1e-2) == 1e-2


def test_bfloat16_is_compared_as_floats():
    one = np.array([1.0, 2.0], ml_dtypes.bfloat16)
    other = np.array([1.0, 2.0625], ml_dtypes.bfloat16)
    apart = difference(other, one)
    assert apart.problem == ""
    assert apart.error == 0.03125
