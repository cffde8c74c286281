"""Functions that are written into a generated module: MindSpore has none, and no expression does.

Each stands in a file of its name in the folder `functions` and is copied from its `def` on.
"""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("functions")
NAMES = frozenset(file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_"))
"""Every helper; a verb and its object, so that no module of a network bears such a name."""


@cache
def function_lines(name: str) -> tuple[str, ...]:
    """Return the source of a helper, a line each."""
    text = _text(name)
    return tuple(text[text.index(f"def {name}(") :].rstrip("\n").split("\n"))


@cache
def called_by(name: str) -> frozenset[str]:
    """Return the helpers that a helper calls, and those that these call: what its file imports."""
    if name not in NAMES:
        return frozenset()
    called = re.findall(r"^from \.(\w+) import", _text(name), re.MULTILINE)
    return frozenset(called).union(*map(called_by, called))


def _text(name: str) -> str:
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8")
