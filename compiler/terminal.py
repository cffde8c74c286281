"""What the commands have in common: kinds of options, and what a terminal shows of the work."""

import gc
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .ir.errors import UsageError, quoted
from .settings import Verify

Flag = Annotated[bool, Parameter(show_default=False)]
Names = Annotated[tuple[str, ...], Parameter(show_default=False)]
Paths = Annotated[tuple[Path, ...], Parameter(show_default=False)]


def parse_shapes(texts: Sequence[str]) -> dict[str, list[int | str]]:
    """Return dimensions by input; '' stands for the only one.

    Args:
        texts: `NAME:D,D,…` or `D,D,…` each; the name may hold colons.

    Raises:
        UsageError: A dimension is neither a number nor a symbol, or an input is named twice.
    """
    shapes: dict[str, list[int | str]] = {}
    for text in texts:
        name, _, dims = text.rpartition(":")
        if name in shapes:
            raise UsageError(f"two shapes for the input {quoted(name)}", help="give one an input")
        shapes[name] = [_dimension(dim, text) for dim in dims.split(",")] if dims else []
    return shapes


def _dimension(text: str, shape: str) -> int | str:
    if text.isascii() and text.isdigit():
        return int(text)
    if text.isidentifier():
        return text
    raise UsageError(
        f"{quoted(text)} in --shape {quoted(shape)} is neither a number nor a name",
        help="write NAME:D,D,… such as input:1,3,224,224 or input:batch,3,224,224",
    )


def modes(verify: Verify | None, *, no_verify: bool) -> Verify:
    """Return the modes that two options tell together."""
    if no_verify and verify not in (None, "none"):
        raise contradiction("--no-verify", f"--verify {verify}")
    return "none" if no_verify else verify or "both"


def contradiction(one: str, other: str) -> UsageError:
    """Return the error for two options that cannot both be meant."""
    return UsageError(f"{one} and {other} contradict each other", help="give one of them")


@contextmanager
def lasting() -> Generator[None]:
    """Spare the garbage collector what lives as long as the process.

    Imports make a million objects; to walk them again and again is a third of the time that
    converting ResNet-50 takes.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def explained(line: str) -> None:
    """Print a line of -v beside what is shown of the work."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def progress(name: str, *, verbose: bool, quiet: bool) -> Generator[Callable[[str], None] | None]:
    """Yield what is told each part of the work; on a terminal one line shows the present one."""
    if verbose and quiet:
        raise contradiction("-v", "-q")
    if verbose:
        yield lambda part: print(f"{part} …", file=sys.stderr, flush=True)
    elif quiet or not sys.stderr.isatty():
        yield None
    else:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = SpinnerColumn(), TextColumn("{task.description}", markup=False)
        with Progress(
            *columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True
        ) as shown:
            task = shown.add_task("")
            yield lambda part: shown.reset(task, description=f"{part} {quoted(name)} …")
