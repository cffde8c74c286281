"""Write sources anew: what is the same in MindSpore gets its name there, all else stays.

A call is exchanged where a test measured that both give the same for such arguments: not more of
them by position than were measured, and by keyword only those of the same name. Formatting and
comments are kept. Everything is reached through `import mindspore as ms`, so no name can clash with
one that PyTorch's imports leave.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import libcst as cst
from libcst import matchers as m
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import RemoveImportsVisitor
from libcst.helpers import get_full_name_for_node
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider

from .places import MODULE, PACKAGES, find_places
from .table import Api

STRUCTURE: Mapping[str, str] = {
    MODULE: "nn.Cell",
    "torch.nn.Sequential": "nn.SequentialCell",
    "torch.nn.ModuleList": "nn.CellList",
    "torch.nn.ModuleDict": "nn.CellDict",
    "torch.Tensor": "Tensor",
}
"""What is renamed although it is no call that could be measured."""

FORWARD = f"{MODULE}.forward"


@dataclass(frozen=True)
class Fixed:
    """A source, written anew.

    Attributes:
        text: The source.
        changes: How many names were exchanged.
        left: How many uses of PyTorch remain.
    """

    text: str
    changes: int
    left: int


def fix(text: str) -> Fixed:
    """Exchange what is the same in MindSpore.

    Raises:
        libcst.ParserSyntaxError: It is not Python.
    """
    places = {(p.line, p.column, p.end_line, p.end_column): p.api for p in find_places(text)}
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    exchange = _Exchange(places)
    module = wrapper.visit(exchange)
    if exchange.changes:
        module = _with_import(_without_unused(module))
    return Fixed(module.code, exchange.changes, len(find_places(module.code)))


class _Exchange(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self, places: Mapping[tuple[int, int, int, int], Api]) -> None:
        super().__init__()
        self._places = places
        self.changes = 0

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        return self._exchanged(original_node, updated_node)

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        return self._exchanged(original_node, updated_node)

    def _exchanged(
        self, original: cst.Name | cst.Attribute, updated: cst.Name | cst.Attribute
    ) -> cst.BaseExpression:
        at: CodeRange = self.get_metadata(  # pyright: ignore[reportAssignmentType]
            PositionProvider, original
        )
        api = self._places.get((at.start.line, at.start.column, at.end.line, at.end.column))
        if api is None:
            return updated
        if api.torch == FORWARD and isinstance(updated, cst.Name):
            self.changes += 1
            return updated.with_changes(value="construct")
        name = STRUCTURE.get(api.torch, "")
        parent = self.get_metadata(ParentNodeProvider, original)
        call = parent if isinstance(parent, cst.Call) and parent.func is original else None
        if not name and api.exchangeable and (call is None or _fits(api, call)):
            name = "" if api.torch.startswith("torch.Tensor.") else api.mindspore
        if not name and api.verdict == "same" and call is None and "." not in api.mindspore:
            name = api.mindspore  # an element type
        if not name:
            return updated
        self.changes += 1
        dotted = cst.parse_expression(f"ms.{name}")
        return dotted.with_changes(lpar=updated.lpar, rpar=updated.rpar)


def _fits(api: Api, call: cst.Call) -> bool:
    """Tell whether a call's arguments are such as were measured."""
    if any(argument.star for argument in call.args):
        return False
    keywords = {argument.keyword.value for argument in call.args if argument.keyword}
    by_position = sum(1 for argument in call.args if argument.keyword is None)
    return keywords <= api.keywords and by_position <= api.positions


def _without_unused(module: cst.Module) -> cst.Module:
    """Return a module without the imports of PyTorch that nothing reads any more."""
    context = CodemodContext()
    for statement in m.findall(module, m.Import() | m.ImportFrom()):
        match statement:
            case cst.Import(names=names) | cst.ImportFrom(names=[*names]):
                for alias in names:
                    if _package(alias, statement) in PACKAGES:
                        _forget(context, alias, statement)
            case _:
                pass
    return RemoveImportsVisitor(context).transform_module(module)


def _forget(
    context: CodemodContext, alias: cst.ImportAlias, statement: cst.Import | cst.ImportFrom
) -> None:
    """Note that an import is to be removed, unless something reads it."""
    asname = alias.evaluated_alias
    if isinstance(statement, cst.Import):
        RemoveImportsVisitor.remove_unused_import(context, alias.evaluated_name, None, asname)
    elif statement.module is not None and not statement.relative:
        module = get_full_name_for_node(statement.module) or ""
        RemoveImportsVisitor.remove_unused_import(context, module, alias.evaluated_name, asname)


def _package(alias: cst.ImportAlias, statement: cst.Import | cst.ImportFrom) -> str:
    """Return the first word of what an import names."""
    node: cst.BaseExpression | None = alias.name
    if isinstance(statement, cst.ImportFrom):
        node = statement.module
    while isinstance(node, cst.Attribute):
        node = node.value
    return node.value if isinstance(node, cst.Name) else ""


def _with_import(module: cst.Module) -> cst.Module:
    """Return a module that imports MindSpore, behind its docstring and `from __future__` lines."""
    body = list(module.body)
    at = 0
    for number, statement in enumerate(body):
        code = module.code_for_node(statement).strip()
        docstring = number == 0 and code[:1] in "\"'rRbBuU" and code[-1:] in "\"'"
        if docstring or code.startswith("from __future__"):
            at = number + 1
    line = cst.parse_statement("import mindspore as ms\n")
    return module.with_changes(body=[*body[:at], line, *body[at:]])
