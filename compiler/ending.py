"""How a command ends: a status, and on an error one message and no traceback."""

import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .ir.errors import Onnx2msError


def status_of(work: Callable[[], object], *, verbose: bool = False) -> int:
    """Do the work of a command and return its exit status.

    Args:
        work: Does it; an int that it returns is the status.
        verbose: Whether an error that nobody expected is told with its traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for names that no terminal can show
    signal.signal(signal.SIGTERM, _terminate)
    status: object = 0
    try:
        status = work()
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads what was printed, `onnx2ms … | head`: all the work is done by then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Onnx2msError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return _fail(Onnx2msError("interrupted"), status=128 + signal.SIGINT)
    except Exception as error:
        return _fail(_internal(error, verbose=verbose))
    return status if isinstance(status, int) else 0


def _internal(error: Exception, *, verbose: bool) -> Onnx2msError:
    """Return the message for an exception that nobody expected."""
    details = "".join(traceback.format_exception(error)) if verbose else ""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Onnx2msError(
        f"{details}internal error: {type(error).__name__}: {error} "
        f"({Path(last.filename).name}, line {last.lineno})",
        help="this is a fault of onnx2ms; please report it with what -v prints and, if you may, "
        "the model",
    )


def _fail(error: Onnx2msError, status: int | None = None) -> int:
    """Print an error and return the exit status."""
    with suppress(BrokenPipeError):  # the status tells it too
        print(error, file=sys.stderr, flush=True)
    return error.exit_status if status is None else status


def _terminate(number: int, frame: object) -> None:
    """End as on an error: what is half written is removed, child processes are ended."""
    raise SystemExit(128 + number)
