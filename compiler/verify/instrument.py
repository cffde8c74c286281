"""Rewrite a network's source so that it also returns the values that it computes on its way.

Every expression of interest is assigned to a local of its own, in the order of evaluation, and
appended to a trace; a call of one of our cells returns its result and its own trace. That works in
GRAPH mode too, where no hook fires and nothing can be written down on the side. The trace is flat:
GRAPH mode of MindSpore 2.10 returns no tuples that are nested more than six deep.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ...emitters.base import Place
from .align import Site, constructs, locate, parts

Syntax = TypeVar("Syntax", ast.expr, ast.stmt)

TRACE, PREFIX = "onnx2ms_trace", "onnx2ms_"

SEQUENTIAL = '''
import mindspore.nn as onnx2ms_nn


class Onnx2msSequential(onnx2ms_nn.SequentialCell):
    """A SequentialCell that returns what each of its cells computes."""

    def construct(self, x):
        onnx2ms_trace = ()
        for cell in self.cell_list:
            result = cell(x)
            if getattr(cell, "onnx2ms_traced", False):
                x = result[0]
                onnx2ms_trace = onnx2ms_trace + result[1]
            else:
                x = result
            onnx2ms_trace = onnx2ms_trace + ((cell.onnx2ms_path, -1, x),)
        return x, onnx2ms_trace
'''
"""What the child puts in the place of every SequentialCell; it has no `construct` to rewrite."""

OPAQUE = (
    ast.BoolOp,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.NamedExpr,
    ast.JoinedStr,
)
"""Expressions whose parts are not always evaluated, or not once: nothing inside is recorded."""


@dataclass(frozen=True)
class Instrumented:
    """A source that returns what it computes.

    Attributes:
        source: The module; each `construct` returns its result and a trace.
        keys: For each place the key under which the trace has its value; -1: it is not an
            expression, but may be the output of a whole cell.
        lines: For each place its line in the module before; 0 if that is not known.
    """

    source: str
    keys: Sequence[int]
    lines: Sequence[int]


def instrument(source: str, places: Sequence[Place], *, original: str = "") -> Instrumented:
    """Rewrite a module so that it returns the values of places.

    Args:
        source: Text of the module.
        places: Where values are computed.
        original: Source to which the places refer, where it is another; else empty.

    Raises:
        SyntaxError: `source` is not Python.
    """
    tree = ast.parse(source)
    sites = locate(places, original or source, tree)
    keys: dict[tuple[ast.AST, str], int] = {}
    wanted: dict[str, dict[ast.AST, list[tuple[int, str]]]] = {}
    numbers = [-1 if site is None else keys.setdefault(_id(site), len(keys)) for site in sites]
    for site in sites:
        if site is not None:
            node, name = _id(site)
            records = wanted.setdefault(site.class_name, {}).setdefault(node, [])
            if (record := (keys[node, name], name)) not in records:
                records.append(record)
    for name, function in constructs(tree).items():
        _Rewriter(function, wanted.get(name, {})).rewrite()
    known = original in ("", source)
    lines = [
        site.expression.lineno if site else place.line if known else 0
        for site, place in zip(sites, places, strict=True)
    ]
    text = ast.unparse(ast.fix_missing_locations(tree)) + "\n" + SEQUENTIAL
    return Instrumented(text, numbers, lines)


def _id(site: Site) -> tuple[ast.AST, str]:
    """Return what makes two sites the same."""
    return (site.statement if site.name else site.expression), site.name


class _Rewriter:
    """Rewrites one `construct`."""

    def __init__(
        self, function: ast.FunctionDef, records: Mapping[ast.AST, Sequence[tuple[int, str]]]
    ) -> None:
        self._function, self._records = function, records
        self._lines: list[ast.stmt] = []
        self._count = 0
        arguments = [arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)]
        stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and _stores(n)]
        self._locals = {*arguments, *stored}
        self._this = arguments[0] if arguments else ""
        self._active = {node for node in ast.walk(function) if self._is_active(node)}

    def rewrite(self) -> None:
        returns = any(isinstance(node, ast.Return) for node in ast.walk(self._function))
        end = [] if returns else _parse(f"return None, {TRACE}")
        self._function.body = [*_parse(f"{TRACE} = ()"), *self._block(self._function.body), *end]
        self._function.returns = None

    def _is_active(self, node: ast.AST) -> bool:
        """Tell whether something inside an expression is to be recorded or unpacked."""
        return any(part in self._records or self._calls_cell(part) for part in ast.walk(node))

    def _calls_cell(self, node: ast.AST) -> bool:
        """Tell whether a call may be one of a cell: of an attribute, or of a local."""
        if not isinstance(node, ast.Call):
            return False
        root: ast.expr = node.func
        attributes = 0
        while isinstance(root, (ast.Attribute, ast.Subscript)):
            attributes += isinstance(root, ast.Attribute)
            root = root.value
        if not isinstance(root, ast.Name):
            return False
        if root.id == self._this:
            return attributes > 0
        return root.id in self._locals and not attributes  # else a method of a tensor

    def _block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        outer, self._lines = self._lines, []
        for statement in body:
            self._statement(statement)
        lines, self._lines = self._lines, outer
        return lines

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Return():
                value = self._expression(statement.value or ast.Constant(None))
                self._lines.append(ast.Return(ast.Tuple([value, ast.Name(TRACE)])))
            case ast.Assign() | ast.AugAssign() | ast.Expr():
                statement.value = self._expression(statement.value)
                self._lines.append(statement)
                self._record(statement)
            case ast.AnnAssign() if statement.value:
                statement.value = self._expression(statement.value)
                self._lines.append(statement)
            case ast.If():
                statement.test = self._expression(statement.test)
                statement.body = self._block(statement.body)
                statement.orelse = self._block(statement.orelse)
                self._lines.append(statement)
            case ast.For():
                statement.iter = self._expression(statement.iter)
                statement.body = self._block(statement.body)
                statement.orelse = self._block(statement.orelse)
                self._lines.append(statement)
            case ast.While():  # in GRAPH mode no trace can grow in it
                self._lines.append(self._without_traces(statement))
            case _:
                self._lines.append(statement)

    def _expression(self, node: ast.expr) -> ast.expr:
        """Return what stands for an expression after the lines that compute it."""
        if node not in self._active:
            return node
        result: ast.expr
        if isinstance(node, ast.IfExp):
            result = self._conditional(node)
        elif isinstance(node, OPAQUE) or (isinstance(node, ast.Compare) and len(node.ops) > 1):
            result = self._unpacked(node)
        else:
            self._operands(node)
            result = self._call(node) if self._calls_cell(node) else node
        if node in self._records:
            result = result if isinstance(result, ast.Name) else self._assign(result)
            self._record(node, result)
        return result

    def _operands(self, node: ast.expr) -> None:
        slots = list(_slots(node))
        for i, slot in enumerate(slots):
            if slot.value in self._active:
                slot.value = self._expression(slot.value)
            elif any(later.value in self._active for later in slots[i + 1 :]):
                # What is evaluated before a call must stay before it.
                slot.value = slot.value if _is_plain(slot.value) else self._assign(slot.value)

    def _conditional(self, node: ast.IfExp) -> ast.Name:
        test, name = self._expression(node.test), self._fresh()
        branches: list[list[ast.stmt]] = []
        for value in (node.body, node.orelse):
            outer, self._lines = self._lines, []
            self._assign(self._expression(value), name)
            branches.append(self._lines)
            self._lines = outer
        self._lines.append(ast.If(test, *branches))
        return ast.Name(name)

    def _call(self, node: ast.expr) -> ast.Name:
        """Call what may be one of our cells; it then returns its result and its trace."""
        assert isinstance(node, ast.Call), "only calls are asked for"
        returned, result = self._assign(node).id, self._fresh()
        self._lines += _parse(
            f"if {_is_traced(node)}:\n"
            f"    {result} = {returned}[0]\n"
            f"    {TRACE} = {TRACE} + {returned}[1]\n"
            "else:\n"
            f"    {result} = {returned}"
        )
        return ast.Name(result)

    def _unpacked(self, node: ast.expr) -> ast.expr:
        """Let calls inside an expression return their results alone."""
        changed: ast.expr = self._without_traces(node)
        return changed

    def _without_traces(self, node: Syntax) -> Syntax:
        """Let calls inside an expression or statement return their results alone."""
        rewriter = self

        class Unpack(ast.NodeTransformer):
            def visit_Call(self, node: ast.Call) -> ast.expr:
                self.generic_visit(node)
                if not rewriter._calls_cell(node):
                    return node
                result = ast.Subscript(node, ast.Constant(0))
                return ast.IfExp(_parse_expression(_is_traced(node)), result, node)

        changed: Syntax = Unpack().visit(node)
        return changed

    def _record(self, node: ast.AST, value: ast.Name | None = None) -> None:
        for key, name in self._records.get(node, ()):
            local = name if value is None else value.id
            self._lines += _parse(
                f"{TRACE} = {TRACE} + (({self._this}.onnx2ms_path, {key}, {local}),)"
            )

    def _assign(self, value: ast.expr, name: str = "") -> ast.Name:
        name = name or self._fresh()
        self._lines.append(ast.Assign([ast.Name(name)], value))
        return ast.Name(name)

    def _fresh(self) -> str:
        self._count += 1
        return f"{PREFIX}{self._count}"


@dataclass
class _Slot:
    """A part of an expression that can be exchanged."""

    owner: ast.AST
    field: str
    index: int

    @property
    def value(self) -> ast.expr:
        found = getattr(self.owner, self.field)
        part: ast.expr = found if self.index < 0 else found[self.index]
        return part

    @value.setter
    def value(self, new: ast.expr) -> None:
        if self.index < 0:
            setattr(self.owner, self.field, new)
        else:
            getattr(self.owner, self.field)[self.index] = new


def _slots(node: ast.AST) -> Iterator[_Slot]:
    """Yield the operands of an expression in the order in which they are evaluated."""
    for (name, index), part in parts(node):
        indices = isinstance(part, ast.Tuple) and isinstance(node, ast.Subscript)
        if indices or isinstance(part, (ast.keyword, ast.Starred, ast.Slice)):
            yield from _slots(part)
        elif isinstance(part, ast.expr):
            yield _Slot(node, name, index)


def _stores(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _is_plain(node: ast.expr) -> bool:
    """Tell whether it does not matter when an expression is evaluated."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, (ast.Name, ast.Constant))


def _is_traced(call: ast.Call) -> str:
    return f'getattr({ast.unparse(call.func)}, "onnx2ms_traced", False)'


def _parse(text: str) -> list[ast.stmt]:
    return ast.parse(text).body


def _parse_expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
