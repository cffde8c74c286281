"""Python sources in files, folders and notebooks."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ..ir.errors import UsageError, quoted

SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist"}


@dataclass(frozen=True)
class Source:
    """A text to read.

    Attributes:
        path: Its file.
        text: The Python source; of a notebook that of one cell.
        cell: Number of the cell, from 1; 0: it is no notebook.
    """

    path: Path
    text: str
    cell: int = 0


def sources(paths: Sequence[Path]) -> Iterator[Source]:
    """Yield all sources below paths, in the order of their names.

    Raises:
        UsageError: A path does not exist, or is neither a folder nor Python nor a notebook.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"{quoted(str(path), 4096)} does not exist")
        if path.is_dir():
            for file in sorted((*path.rglob("*.py"), *path.rglob("*.ipynb"))):
                inside = file.relative_to(path).parts
                hidden = any(part.startswith(".") for part in inside)
                if file.is_file() and not hidden and SKIPPED.isdisjoint(inside):
                    yield from _read(file)
        elif path.suffix in (".py", ".ipynb"):
            yield from _read(path)
        else:
            raise UsageError(
                f"{quoted(str(path), 4096)} is no source", help="name .py, .ipynb, or a folder"
            )


def _read(path: Path) -> Iterator[Source]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{quoted(str(path), 4096)} cannot be read: {error.strerror}") from error
    if path.suffix == ".py":
        yield Source(path, text)
        return
    for number, cell in enumerate(_cells(text), 1):
        yield Source(path, cell, number)


def _cells(text: str) -> Iterator[str]:
    """Yield the code cells of a notebook, an empty text for each other one."""
    try:
        content = json.loads(text)
    except ValueError:
        return
    cells = _field(content, "cells")
    for cell in cast("list[object]", cells) if isinstance(cells, list) else []:
        lines = _field(cell, "source")
        members = cast("list[object]", lines) if isinstance(lines, list) else [lines or ""]
        text = "".join(map(str, members))
        yield _without_magic(text) if _field(cell, "cell_type") == "code" else ""


def _field(value: object, name: str) -> object:
    """Return a field of what JSON holds; None if there is none."""
    return cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None


def _without_magic(text: str) -> str:
    """Return a cell without the lines that only a notebook understands."""
    lines = text.splitlines()
    if lines and lines[0].startswith("%%"):
        return ""
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)
