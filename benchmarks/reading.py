"""How well generated source reads, in figures."""

import ast
import re
from dataclasses import dataclass

COUNTED = re.compile(r"_\d+")


@dataclass(frozen=True)
class Reading:
    """Figures of one generated module.

    Attributes:
        lines: Lines of the file.
        classes: Number of classes.
        longest: Lines of the longest `construct`.
        arguments: Most arguments of a constructor.
        twins: Classes that equal an earlier one but for numbers, names and defaults.
        counted: Names that end in `_2`, `_3` …, for want of a word: classes, attributes, locals.
    """

    lines: int
    classes: int
    longest: int
    arguments: int
    twins: tuple[str, ...]
    counted: tuple[str, ...]


def read(source: str) -> Reading:
    """Return the figures of a generated module."""
    module = ast.parse(source)
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    methods = {
        name: [
            m for c in classes for m in c.body if isinstance(m, ast.FunctionDef) and m.name == name
        ]
        for name in ("construct", "__init__")
    }
    lengths = [(m.end_lineno or m.lineno) - m.lineno + 1 for m in methods["construct"]]
    counts = [len(m.args.args) - 1 for m in methods["__init__"]]
    seen: dict[str, str] = {}
    twins: list[str] = []
    for node in classes:
        first = seen.setdefault(without_numbers(node), node.name)
        if first != node.name:
            twins.append(f"{node.name} as {first}")
    return Reading(
        lines=len(source.splitlines()),
        classes=len(classes),
        longest=max(lengths, default=0),
        arguments=max(counts, default=0),
        twins=tuple(twins),
        counted=tuple(sorted(counted_names(module))),
    )


def without_numbers(node: ast.ClassDef) -> str:
    """Return a class as text in which all numbers are the same and it has no name."""
    copy = ast.parse(ast.unparse(node)).body[0]
    assert isinstance(copy, ast.ClassDef)
    copy.name = ""
    for inner in ast.walk(copy):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, int | float):
            inner.value = 0
    return ast.dump(copy)


def counted_names(module: ast.Module) -> set[str]:
    """Return the names that were told apart by a number."""
    names: set[str] = set()
    for node in ast.walk(module):
        match node:
            case ast.ClassDef(name=name) | ast.arg(arg=name) | ast.Name(id=name):
                names.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
            case _:
                pass
    return {name for name in names if COUNTED.fullmatch(name[len(name.rstrip("0123456789")) - 1 :])}
