"""About how many columns an expression takes, before anything in it has a name."""

import re

from ...compiler.ir.dims import Dim
from .code import Expression, Host, Literal

NAME, SHORT, LINE = 6, 24, 78
"""Columns of a usual name, of what stands beside others, and of a statement that fits on a line."""

PLACE = re.compile(r"\{[^}]*\}")


def width_of(code: Expression) -> int:
    """Return about how many columns an expression takes without its operands."""
    return len(PLACE.sub("", code.template)) + sum(map(columns, code.settings.values()))


def columns(setting: Literal) -> int:
    """Return about how many columns a constant takes."""
    if isinstance(setting, tuple):
        return sum(columns(item) + 2 for item in setting)
    return NAME if isinstance(setting, Host | Dim) else len(repr(setting))
