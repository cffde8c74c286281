"""The command `onnx2ms scaffold`: a training script beside a source that was written before."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .ir.errors import quoted
from .terminal import Flag, lasting


def scaffold(
    folder: Path,
    /,
    *,
    force: Flag = False,
    quiet: Annotated[Flag, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Write a training script, train.py, that fits the network of a written folder.

    It runs as it stands, on made-up samples, on one machine or by msrun on many.

    Args:
        folder: The folder that onnx2ms wrote.
        force: Replace a train.py that exists.
        quiet: Print errors only.
    """
    with lasting():
        from . import scaffold as library
    file = library.scaffold(folder, force=force)
    if not quiet:
        print(f"{quoted(str(file), 4096)[1:-1]}  runs as it stands; put your samples into it")
