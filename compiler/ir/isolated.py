"""Computations of a model in a process of their own: they may end it, and may never end."""

import contextlib
import faulthandler
import json
import math
import os
import signal
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from typing import BinaryIO

import numpy as np

from .endings import end_with_parent
from .graph import Array


class IsolatedError(Exception):
    """What a computation raised, under the name of its own class, or how its process ended."""


class TooLongError(IsolatedError):
    """A computation that did not end in its time."""


def isolated(work: Callable[[], Mapping[str, Array]], seconds: float) -> dict[str, Array]:
    """Return what a function computes in a fork of this process.

    Args:
        work: Returns arrays by name; whatever else it changes is lost.
        seconds: How long it may take.

    Raises:
        IsolatedError: It raised an exception, died or took too long.
    """
    with tempfile.TemporaryFile() as elements, tempfile.TemporaryFile() as told:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of others: none is asked
            child = os.fork()
        if not child:
            _answer(work, elements, told)
        status = _wait(child, seconds)
        told.seek(0)
        answer = told.read()
        if status is None:
            raise TooLongError(f"it did not end within {seconds:g} seconds")
        if status < 0:
            raise IsolatedError(f"it was ended by {signal.Signals(-status).name}")
        if not answer:
            raise IsolatedError(f"its process ended with status {status}")
        kind, content = json.loads(answer)
        if kind:
            raise type(kind, (IsolatedError,), {})(content)
        return {name: _read(elements, *stored) for name, stored in content.items()}


def _answer(work: Callable[[], Mapping[str, Array]], elements: BinaryIO, told: BinaryIO) -> None:
    """Compute, store and end the process."""
    try:
        end_with_parent(signal.SIGKILL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        faulthandler.disable()
        nothing = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):  # what a library has to say when it dies
            os.dup2(nothing, stream)
        try:
            stored = {name: _store(elements, array) for name, array in work().items()}
            answer: tuple[str, object] = ("", stored)
        except Exception as error:
            answer = (type(error).__name__, str(error))
        elements.flush()
        told.write(json.dumps(answer).encode())
        told.flush()
    finally:
        os._exit(0)


def _store(file: BinaryIO, array: Array) -> tuple[str, list[int], object]:
    """Write the elements; strings are handed over as they are."""
    if array.dtype.kind in "OSU":
        return "object", list(array.shape), [str(item) for item in array.reshape(-1)]
    offset = file.tell()
    file.write(np.ascontiguousarray(array).tobytes())
    return array.dtype.name, list(array.shape), offset


def _read(file: BinaryIO, kind: str, shape: list[int], stored: object) -> Array:
    if kind == "object":
        return np.array(stored, object).reshape(shape)
    import ml_dtypes

    # first there: where MindSpore is imported, NumPy knows its bfloat16 by that name, another type
    dtype = np.dtype(getattr(ml_dtypes, kind, kind))
    file.seek(int(str(stored)))
    return np.fromfile(file, dtype, math.prod(shape)).reshape(shape)


def _wait(child: int, seconds: float) -> int | None:
    """Wait for a process, and end it if it takes too long: None then."""
    end, pause = time.monotonic() + seconds, 0.0005
    try:
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)
    except BaseException:
        _kill(child)
        raise
    _kill(child)
    return None


def _kill(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
