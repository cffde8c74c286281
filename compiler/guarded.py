"""A command in a process of its own: however that ends, somebody is left to say so."""

import os
import signal
import sys
from collections.abc import Callable

from .ir.endings import end_with_parent

INTERRUPT = signal.SIGUSR1
"""What the working process is told when Ctrl-C is pressed; a terminal would tell both."""


def run_guarded(work: Callable[[], int]) -> int:
    """Do the work of a command in a child process and return its exit status in both.

    Libraries that read a model can end their process: a kernel that divides by zero, an assertion,
    the system when memory is used up. Then one message tells it.

    Args:
        work: Returns the exit status. It should import what is large itself: so long as nothing
            is, the second process costs a millisecond.
    """
    child = os.fork()
    if not child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(INTERRUPT, signal.default_int_handler)
        end_with_parent(signal.SIGTERM)
        return work()
    signal.signal(signal.SIGINT, lambda number, frame: os.kill(child, INTERRUPT))
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(child, number))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status >= 0:
        return status
    name = signal.Signals(-status).name
    hint = ", perhaps as memory was used up" if -status == signal.SIGKILL else ""
    print(
        f"onnx2ms was ended by {name}{hint}, before it was done\n\nhelp: the model may be damaged,"
        " or made to do harm; if you trust it, please report it",
        file=sys.stderr,
        flush=True,
    )
    return 1
