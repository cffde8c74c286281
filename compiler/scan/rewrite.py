"""Write what `fix` makes of sources, beside them or in their place."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import libcst as cst

from ..ir.errors import UsageError, count, quoted
from .fix import fix
from .sources import Source, sources


def rewrite(paths: Sequence[Path], folder: Path | None) -> Iterator[str]:
    """Write sources anew and yield a line for each.

    Args:
        paths: Files and folders; what stands below a folder keeps its place in it.
        folder: Where copies are written; None: the sources themselves are changed.

    Raises:
        UsageError: A path is not there, or a file cannot be written.
    """
    for root in paths:
        for source in sources([root]):
            below = source.path.relative_to(root) if root.is_dir() else Path(source.path.name)
            target = source.path if folder is None else folder / below
            yield f"{quoted(str(target), 4096)[1:-1]}: {_written(source, target)}"


def _written(source: Source, target: Path) -> str:
    """Write one source anew and say what came of it."""
    if source.cell:
        return f"cell {source.cell}: notebooks are reported, not rewritten"
    try:
        fixed = fix(source.text)
    except (cst.ParserSyntaxError, RecursionError):
        return "it is not Python that can be parsed"
    fresh = target.with_name(f".{target.name}.onnx2ms")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(fixed.text, encoding="utf-8")
        os.replace(fresh, target)
    except OSError as error:
        raise UsageError(
            f"{quoted(str(target), 4096)} cannot be written: {error.strerror}"
        ) from error
    return f"{count(fixed.changes, 'name')} exchanged, {count(fixed.left, 'use')} of PyTorch left"
