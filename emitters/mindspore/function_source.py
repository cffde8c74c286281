"""Functions that are written into a generated module: MindSpore has none, and no expression does.

Each stands in a file of its name in the folder `functions` and is copied from its `def` on.
"""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("functions")
NAMES = frozenset(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_"))
"""Every helper; a verb and its object, so that no module of a network bears such a name."""


@cache
def function_lines(name: str) -> tuple[str, ...]:
    """Return the source of a helper, a line each."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    return tuple(text[text.index(f"def {name}(") :].rstrip("\n").split("\n"))
