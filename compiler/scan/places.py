"""Where a source uses PyTorch: names resolved through imports, methods through what holds a tensor.

A value is known to be a tensor where an API of PyTorch, a method of a tensor, a layer or arithmetic
on one makes it, where an annotation says so, and as a parameter of `forward`. What is not known is
not reported: a method's name alone proves nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import (
    CodeRange,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
    QualifiedNameProvider,
    QualifiedNameSource,
)

from .table import Api, lookup, public, table

PACKAGES = ("torch", "torchvision", "torchaudio")

MODULE, TENSOR, OPTIMIZER = "torch.nn.Module", "torch.Tensor", "torch.optim.Optimizer"

NO_TENSOR = frozenset(
    """
    save load device manual_seed seed initial_seed is_tensor numel is_floating_point is_complex
    no_grad enable_grad inference_mode set_grad_enabled compile get_default_dtype Size
    Generator allclose equal result_type can_cast broadcast_shapes set_default_dtype is_nonzero
    set_num_threads get_num_threads typename
    """.split()
)
"""Functions of PyTorch, below `torch`, whose result is no tensor."""

NO_TENSOR_METHODS = frozenset(
    """
    size dim ndimension numel nelement element_size item tolist numpy backward is_contiguous
    is_floating_point is_complex allclose equal register_hook storage data_ptr stride
    get_device type dtype device shape ndim requires_grad grad_fn is_cuda is_leaf names layout
    """.split()
)
"""Methods and attributes of a tensor that give no tensor."""

NAMING = (cst.ImportAlias, cst.AsName, cst.ImportFrom, cst.AssignTarget)
"""Parents of a name that is given there, not used."""

LAYERS = ("torch.nn.", "torchvision.models.", "torchvision.ops.")


@dataclass(frozen=True)
class Place:
    """One use of an API.

    Attributes:
        line: From 1.
        column: From 0.
        end_line: Line of its last character.
        end_column: Column after it.
        api: What the table says of it.
        called: Whether it is called, and not only named.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    api: Api
    called: bool


def find_places(text: str) -> list[Place]:
    """Return every use of PyTorch's APIs in a source, in the order of the text.

    Raises:
        libcst.ParserSyntaxError: It is not Python.
        RecursionError: It is nested too deeply.
    """
    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    visitor = _Visitor()
    wrapper.visit(visitor)
    return sorted(visitor.places, key=lambda p: (p.line, p.column, p.end_line, p.end_column))


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (QualifiedNameProvider, PositionProvider, ParentNodeProvider)

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []
        self._scopes: list[dict[str, str]] = [{}]
        self._classes: list[bool] = []
        self._members: list[dict[str, str]] = [{}]
        self._own: dict[str, str] = {}

    # What a name is.

    def _resolved(self, node: cst.CSTNode) -> str:
        """Return the public name of an API of PyTorch that a node names; else nothing."""
        if not _is_dotted(node):
            return ""
        found = self.get_metadata(QualifiedNameProvider, node, set())
        for name in sorted(found, key=lambda name: name.name):
            imported = name.source is QualifiedNameSource.IMPORT
            if imported and name.name.partition(".")[0] in PACKAGES:
                return public(name.name)
        return ""

    def _kind(self, node: cst.BaseExpression) -> str:
        """Return what an expression holds: TENSOR, MODULE, OPTIMIZER, or nothing that is known."""
        match node:
            case cst.Name():
                for scope in reversed(self._scopes):
                    if node.value in scope:
                        return scope[node.value]
                return ""
            case cst.Attribute():
                return self._kind_of_attribute(node)
            case cst.Call():
                return self._kind_of_call(node)
            case cst.Subscript():
                return self._kind(node.value)
            case cst.BinaryOperation():
                return TENSOR if TENSOR in (self._kind(node.left), self._kind(node.right)) else ""
            case cst.UnaryOperation():
                return "" if isinstance(node.operator, cst.Not) else self._kind(node.expression)
            case cst.Comparison():
                plain = (cst.Is, cst.IsNot, cst.In, cst.NotIn)
                if any(isinstance(c.operator, plain) for c in node.comparisons):
                    return ""
                members = [node.left, *(c.comparator for c in node.comparisons)]
                return TENSOR if TENSOR in map(self._kind, members) else ""
            case cst.IfExp():
                return self._kind(node.body) or self._kind(node.orelse)
            case _:
                return ""

    def _kind_of_attribute(self, node: cst.Attribute) -> str:
        name = node.attr.value
        if isinstance(node.value, cst.Name) and node.value.value == "self":
            return self._members[-1].get(name, "")
        return (
            TENSOR
            if self._kind(node.value) == TENSOR and name in ("T", "mT", "data", "grad")
            else ""
        )

    def _kind_of_call(self, node: cst.Call) -> str:
        if name := self._resolved(node.func):
            return made_by(name)
        if isinstance(node.func, cst.Name) and node.func.value in self._own:
            return self._own[node.func.value]
        if isinstance(node.func, cst.Attribute) and not self._kind(node.func):
            if self._kind(node.func.value) == TENSOR:
                method = node.func.attr.value
                return "" if method in NO_TENSOR_METHODS else TENSOR
            return (
                MODULE
                if self._kind(node.func.value) == MODULE
                and node.func.attr.value
                in ("to", "cuda", "cpu", "eval", "train", "half", "float", "double")
                else ""
            )
        return TENSOR if self._kind(node.func) == MODULE else ""

    # What is told.

    def _tell(self, node: cst.CSTNode, api: Api, *, called: bool = False) -> None:
        at: CodeRange = self.get_metadata(  # pyright: ignore[reportAssignmentType]
            PositionProvider, node
        )
        self.places.append(
            Place(at.start.line, at.start.column, at.end.line, at.end.column, api, called)
        )

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self._visit_name(node)

    def visit_Name(self, node: cst.Name) -> None:
        self._visit_name(node)

    def _visit_name(self, node: cst.Attribute | cst.Name) -> None:
        """Tell of a name that is an API, unless it is part of a longer one or of an import."""
        parent = self.get_metadata(ParentNodeProvider, node)
        if isinstance(parent, cst.Attribute) and (parent.attr is node or self._resolved(parent)):
            return
        named = isinstance(parent, cst.Param) and parent.name is node
        keyword = isinstance(parent, cst.Arg) and parent.keyword is node
        if named or keyword or isinstance(parent, NAMING):
            return
        name = self._resolved(node)
        called = isinstance(parent, cst.Call) and parent.func is node
        if name and "." in name and (called or name in table()):
            self._tell(node, lookup(name), called=called)

    def visit_Call(self, node: cst.Call) -> None:
        """Tell of a method of a tensor, of a module or of an optimizer."""
        if not isinstance(node.func, cst.Attribute) or self._resolved(node.func):
            return
        kind, method = self._kind(node.func.value), node.func.attr.value
        if isinstance(node.func.value, cst.Name) and node.func.value.value == "self":
            kind = MODULE if self._classes and self._classes[-1] else ""
        if kind and f"{kind}.{method}" in table():
            self._tell(node.func, lookup(f"{kind}.{method}"), called=True)

    def visit_If(self, node: cst.If) -> None:
        self._branch(node.test)

    def visit_While(self, node: cst.While) -> None:
        self._branch(node.test)

    def _branch(self, test: cst.BaseExpression) -> None:
        if self._kind(test) == TENSOR:
            self._tell(test, lookup(f"{TENSOR}.__bool__"))

    # What holds what.

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        names = [self._resolved(base.value) for base in node.bases]
        own = [b.value.value for b in node.bases if isinstance(b.value, cst.Name)]
        module = any(made_by(name) == MODULE for name in names) or any(
            self._own.get(name) == MODULE for name in own
        )
        self._classes.append(module)
        self._members.append(dict(_members(node, self._resolved, self._own)) if module else {})
        if module:
            self._own[node.name.value] = MODULE

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self._classes.pop()
        self._members.pop()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        scope: dict[str, str] = {}
        inside = bool(self._classes and self._classes[-1])
        forward = inside and node.name.value == "forward"
        if forward:
            self._tell(node.name, lookup(f"{MODULE}.forward"))
        parameters = (*node.params.posonly_params, *node.params.params, *node.params.kwonly_params)
        for number, parameter in enumerate(parameters):
            told = "" if parameter.annotation is None else self._annotated(parameter.annotation)
            plain = forward and number > 0 and parameter.annotation is None
            if told or (plain and parameter.default is None):
                scope[parameter.name.value] = told or TENSOR
        self._scopes.append(scope)

    def _annotated(self, annotation: cst.Annotation) -> str:
        name = self._resolved(annotation.annotation)
        if name == TENSOR:
            return TENSOR
        return MODULE if made_by(name) == MODULE else ""

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._scopes.pop()

    def leave_Assign(self, original_node: cst.Assign) -> None:
        kind = self._kind(original_node.value)
        for target in original_node.targets:
            self._bind(target.target, kind)

    def leave_AnnAssign(self, original_node: cst.AnnAssign) -> None:
        value = original_node.value
        self._bind(
            original_node.target,
            self._annotated(original_node.annotation) or (self._kind(value) if value else ""),
        )

    def leave_AugAssign(self, original_node: cst.AugAssign) -> None:
        if self._kind(original_node.value) == TENSOR:
            self._bind(original_node.target, TENSOR)

    def visit_For(self, node: cst.For) -> None:
        kind = self._kind(node.iter)
        self._bind(node.target, kind if kind == TENSOR else "")

    def visit_With(self, node: cst.With) -> None:
        for item in node.items:
            if item.asname is not None:
                self._bind(item.asname.name, "")

    def _bind(self, target: cst.BaseExpression, kind: str) -> None:
        match target:
            case cst.Name():
                self._scopes[-1][target.value] = kind
            case cst.Tuple() | cst.List():
                for element in target.elements:
                    self._bind(element.value, kind if kind == TENSOR else "")
            case _:
                return


def _is_dotted(node: cst.CSTNode) -> bool:
    """Tell whether a node is a name, or names with dots between them."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return isinstance(node, cst.Name)


def made_by(name: str) -> str:
    """Return what a call of an API makes: a tensor, a module, an optimizer; else nothing."""
    last = name.rpartition(".")[2]
    if name.startswith("torch.optim.") and name.count(".") == 2:
        return OPTIMIZER
    if name.startswith(LAYERS) and last[:1].isupper():
        return "" if name in ("torch.nn.Parameter", "torch.nn.Buffer") else MODULE
    if name in ("torch.nn.Parameter", "torch.nn.Buffer", TENSOR):
        return TENSOR
    functions = ("torch.nn.functional.", "torch.linalg.", "torch.special.", "torch.fft.")
    if name.startswith(functions) or (name.startswith("torch.") and name.count(".") == 1):
        return "" if last in NO_TENSOR or last[:1].isupper() else TENSOR
    return ""


def _members(
    node: cst.ClassDef, resolved: Callable[[cst.CSTNode], str], own: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield what the attributes hold that a class sets in its methods."""
    for call in _assigned(node):
        name, value = call
        if isinstance(value, cst.Call):
            made = made_by(resolved(value.func))
            if not made and isinstance(value.func, cst.Name):
                made = own.get(value.func.value, "")
            if made:
                yield name, made


def _assigned(node: cst.ClassDef) -> Iterator[tuple[str, cst.BaseExpression]]:
    """Yield the attributes of `self` that a class sets, and to what."""
    found: list[tuple[str, cst.BaseExpression]] = []

    class Collect(cst.CSTVisitor):
        def visit_Assign(self, node: cst.Assign) -> None:
            for target in node.targets:
                match target.target:
                    case cst.Attribute(value=cst.Name(value="self"), attr=cst.Name(value=name)):
                        found.append((name, node.value))
                    case _:
                        pass

    node.visit(Collect())
    return iter(found)
