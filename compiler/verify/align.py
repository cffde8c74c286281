"""Where an expression of the source map stands in a file that may have been edited since."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import cast

from ...emitters.base import Place

Step = tuple[str, int]
"""A field of a syntax node, and which member of it; -1 where it is not a list."""

Path = tuple[Step, ...]
"""The way from a statement to an expression in it."""


@dataclass(frozen=True, eq=False)
class Site:
    """An expression in the `construct` of a class.

    Attributes:
        class_name: The class.
        statement: The statement in which it stands.
        expression: The expression.
        name: The local that holds the value afterwards, where the expression has several values
            or is part of an augmented assignment; else empty.
    """

    class_name: str
    statement: ast.stmt
    expression: ast.expr
    name: str = ""


def constructs(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """Return the `construct` of every class by the class's name."""
    return {
        node.name: member
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for member in node.body
        if isinstance(member, ast.FunctionDef) and member.name == "construct"
    }


def locate(places: Sequence[Place], original: str, tree: ast.Module) -> list[Site | None]:
    """Find the expressions of places in a module.

    Statements are matched first, then expressions by their text, then by their position in the
    statement: of two operands that have changed places each is found where it now stands.

    Args:
        places: Where expressions stand in the original.
        original: Source to which the places refer.
        tree: The module in which to find them; often the same.

    Returns:
        One entry a place; None where there is no such expression in a `construct`.
    """
    before, after = constructs(ast.parse(original)), constructs(tree)
    partners = {
        name: _pair(list(statements(before[name].body)), list(statements(after[name].body)))
        for name in before.keys() & after.keys()
    }
    sites: list[Site | None] = []
    for place in places:
        pairs = partners.get(place.class_name, {})
        found = _find(place, list(pairs))
        partner = pairs[found.statement] if found else None
        sites.append(_follow(found, partner) if found and partner else None)
    return sites


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements and those inside them, in the order of the text."""
    for statement in body:
        yield statement
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            inside = [part for _, part in parts(statement) if isinstance(part, ast.stmt)]
            yield from statements(inside)


def expressions(node: ast.AST, path: Path = ()) -> Iterator[tuple[Path, ast.expr]]:
    """Yield the expressions of a statement, not those of statements inside it, outermost first."""
    for step, part in parts(node):
        if isinstance(part, ast.expr):
            yield (*path, step), part
        if not isinstance(part, ast.stmt):
            yield from expressions(part, (*path, step))


def parts(node: ast.AST) -> Iterator[tuple[Step, ast.AST]]:
    """Yield the syntax nodes that a node directly holds, in the order of its fields."""
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield (name, -1), value
        elif isinstance(value, list):
            for index, member in enumerate(cast("list[object]", value)):
                if isinstance(member, ast.AST):
                    yield (name, index), member


def _pair(before: Sequence[ast.stmt], after: Sequence[ast.stmt]) -> dict[ast.stmt, ast.stmt | None]:
    """Return for each statement the one that stands for it now; None if it is gone."""
    old, new = [_text(s) for s in before], [_text(s) for s in after]
    pairs: dict[ast.stmt, ast.stmt | None] = dict.fromkeys(before)
    for _, i, i_end, j, j_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        pairs.update(zip(before[i:i_end], after[j:j_end], strict=False))
    return pairs


def _text(statement: ast.stmt) -> str:
    """Return a statement as text, without the statements inside it."""
    parts = [ast.unparse(e) for path, e in expressions(statement) if len(path) == 1]
    return " ".join((type(statement).__name__, *parts))


def _find(place: Place, candidates: Sequence[ast.stmt]) -> Site | None:
    """Find a place in the source that it refers to."""
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    around = [s for s in candidates if _start(s) <= start and end <= _end(s)]
    if not around:
        return None
    statement = around[-1]  # the innermost: statements inside follow those around
    inside = [e for _, e in expressions(statement) if start <= _start(e) and _end(e) <= end]
    if not inside:
        return None
    # Brackets around an expression do not belong to it in `ast`: the widest one inside.
    expression = max(inside, key=_width)
    return Site(place.class_name, statement, expression, _name(place, statement, expression))


def _name(place: Place, statement: ast.stmt, expression: ast.expr) -> str:
    """Return the local to read after the statement, if the expression is not the value itself."""
    if isinstance(expression, ast.Name) and isinstance(expression.ctx, ast.Store):
        return expression.id
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        covers = (place.line, place.column) == _start(statement)
        return statement.target.id if covers else ""
    if isinstance(statement, ast.Assign) and expression is statement.value:
        unpacked = isinstance(statement.targets[0], (ast.Tuple, ast.List))
        return place.local if unpacked and place.local in _stored(statement) else ""
    return ""


def _follow(found: Site, statement: ast.stmt) -> Site | None:
    """Find an expression of one statement in the statement that stands for it now."""
    if found.name:
        if found.name not in _stored(statement):
            return None
        return Site(found.class_name, statement, found.expression, found.name)
    members = dict(expressions(statement))
    path = next(p for p, e in expressions(found.statement) if e is found.expression)
    if _text(statement) != _text(found.statement):
        text = ast.unparse(found.expression)
        same = [p for p, e in members.items() if ast.unparse(e) == text]
        # Where it stood, something may have been put around it: then that is meant.
        if len(same) == 1 and same[0][: len(path)] != path:
            path = same[0]
    expression = members.get(path)
    return None if expression is None else Site(found.class_name, statement, expression)


def _stored(statement: ast.stmt) -> set[str]:
    """Return the locals that a statement assigns."""
    nodes = (node for _, node in expressions(statement) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def _start(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset


def _width(node: ast.expr) -> tuple[int, int]:
    """Return how far an expression reaches, in lines and then in columns."""
    (line, column), (end_line, end_column) = _start(node), _end(node)
    return end_line - line, end_column - column
