"""What a computation of a model may do to its process."""

import os
import signal
import time

import ml_dtypes
import numpy as np
import pytest

from onnx2ms.compiler.ir.isolated import IsolatedError, TooLongError, isolated


def test_arrays_come_back_as_they_are():
    arrays = {
        "float": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "narrow": np.ones(3, ml_dtypes.bfloat16),
        "scalar": np.asarray(True),
        "empty": np.zeros((0, 2), np.int64),
        "text": np.asarray([["a"], ["é"]], object),
    }
    found = isolated(lambda: arrays, 60)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


KINDS = (IsolatedError.__name__, TooLongError.__name__)


def fail():
    raise ValueError("why")


@pytest.mark.parametrize(
    ("work", "match"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGFPE), "ended by SIGFPE"),
        (lambda: time.sleep(60), "did not end within 0.2 seconds"),
        (lambda: os._exit(3), "ended with status 3"),
        (fail, "why"),
    ],
)
def test_what_ends_it_is_told(work, match):
    with pytest.raises(IsolatedError, match=match) as error:
        isolated(work, 0.2)
    assert type(error.value).__name__ in (("ValueError",) if work is fail else KINDS)
