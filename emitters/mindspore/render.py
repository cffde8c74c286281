"""Source text of constructors and expressions."""

import ast
import string
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from ...compiler.ir.dim_text import write
from .classes import ClassBuilder, ClassDefinition, Required
from .code import ATOM, PRODUCT, SUM, UNARY, Argument, Host, Symbol, literal
from .construct import HOST, NAMED, TUPLE, Absent, Construct, Tree, Variable

REPEAT = 3
"""So many equal elements in a row are written as a repetition."""


class TreeRenderer:
    """Writes constructor trees as source of one class.

    Args:
        builder: Knows the classes that a tree calls.
        names: Source text of each variable.
        sizes: Source text of each size that `construct` reads or is called with.
        computed: Name of each size that is computed before.
    """

    def __init__(
        self,
        builder: ClassBuilder,
        names: Mapping[int, str],
        sizes: Mapping[str, str] = MappingProxyType({}),
        computed: Mapping[Host, str] = MappingProxyType({}),
    ) -> None:
        self._builder = builder
        self._names = names
        self._sizes = sizes
        self._computed = computed

    def text(self, tree: Tree) -> str:
        """Return a tree as one expression."""
        match tree:
            case Variable():
                return self._names[tree.index]
            case Symbol():
                return tree.text
            case Construct():
                return self._construct(tree)
            case Host():
                return self._computed.get(tree) or self.formula(tree)
            case tuple() if any(isinstance(item, Host) for item in tree):
                items = ", ".join(map(self.text, tree))
                return f"({items},)" if len(tree) == 1 else f"({items})"
            case Absent():
                return "None"
            case _:
                return literal(tree)

    def formula(self, host: Host) -> str:
        """Return how a size is computed, even if it has a name."""
        return self._host(host.function, host.parts)

    def _construct(self, tree: Construct) -> str:
        if isinstance(tree.function, int):
            return self._own_class(self._builder.definition(tree.function), dict(tree.arguments))
        if tree.function in ("", "nn.SequentialCell", "nn.CellList"):
            elements = [text for _, run in tree.arguments for text in self._run(run)]
            if tree.function == "nn.CellList":
                if len(elements) == 1 and elements[0].startswith("*["):
                    return f"nn.CellList({elements[0].removeprefix('*')})"
                return f"nn.CellList([{', '.join(elements)}])"
            return f"{tree.function}({', '.join(elements)})"
        if tree.function.startswith(NAMED):
            return self._named_cells(tree, tree.function.removeprefix(NAMED))
        if tree.function.startswith(HOST):
            parts = [part for _, part in tree.arguments]
            return self._host(tree.function.removeprefix(HOST), parts)
        if tree.function == TUPLE:
            items = ", ".join(self.text(item) for _, item in tree.arguments)
            return f"({items},)" if len(tree.arguments) == 1 else f"({items})"
        if tree.function == "arithmetic":
            (_, start), (_, step) = tree.arguments
            return f"{self.text(start)} + {self.text(step)} * i"
        if tree.layer is None:
            arguments = [f"{n}={self.text(v)}" if n else self.text(v) for n, v in tree.arguments]
            return f"{tree.function}({', '.join(arguments)})"
        arguments = self._layer_arguments(tree)
        return f"{tree.function}({', '.join(arguments)})"

    def _host(self, function: str, parts: Sequence[Tree]) -> str:
        """Return a size as Python computes it."""
        if function in self._sizes:
            return self._sizes[function]
        return write(function, [self.text(part) for part in parts])

    def _run(self, run: Tree) -> list[str]:
        """Return equal elements of a sequence, many of them as a comprehension."""
        assert isinstance(run, Construct), "a sequence consists of repeats"
        (_, element), (_, depth) = run.arguments
        text = self.text(element)
        if run.function == "progression":
            return [f"*[{text} for i in range({self.text(depth)})]"]
        if isinstance(depth, int) and depth < REPEAT:
            return [text] * depth
        return [f"*[{text} for _ in range({self.text(depth)})]"]

    def _named_cells(self, tree: Construct, stem: str) -> str:
        """Return a SequentialCell of cells that are called block_0, block_1 …."""
        if len(tree.arguments) == 1:
            _, run = tree.arguments[0]
            assert isinstance(run, Construct), "a sequence consists of repeats"
            (_, element), (_, depth) = run.arguments
            pair = f'(f"{stem}{{i}}", {self.text(element)})'
            return f"nn.SequentialCell(OrderedDict({pair} for i in range({self.text(depth)})))"
        pairs = [f'("{stem}{i}", {self.text(cell)})' for i, (_, cell) in enumerate(tree.arguments)]
        return f"nn.SequentialCell(OrderedDict([{', '.join(pairs)}]))"

    def _own_class(self, definition: ClassDefinition, given: dict[str, Tree]) -> str:
        arguments: list[str] = []
        for parameter in definition.parameters:
            value = given[parameter.name]
            if isinstance(parameter.default, Required):
                arguments.append(self.text(value))
            elif value != parameter.default:
                arguments.append(f"{parameter.name}={self.text(value)}")
        return f"{definition.name}({', '.join(arguments)})"

    def _layer_arguments(self, tree: Construct) -> list[str]:
        """Return the arguments of a layer that differ from MindSpore's defaults."""
        layer = tree.layer
        assert layer is not None, "only layers know their defaults"
        values = simplify_padding(tree.function, dict(tree.arguments))
        written: list[str] = []
        for i, (name, value) in enumerate(values.items()):
            if i < layer.positional:
                written.append(self.text(value))
            elif name not in layer.defaults or not equal(value, layer.defaults[name]):
                written.append(f"{name}={self.text(value)}")
        return written


def equal(tree: Tree, default: Argument) -> bool:
    """Tell whether a tree is a constant equal to a default; True is not 1."""
    return type(tree) is type(default) and tree == default


def simplify_padding(function: str | int, values: dict[str, Tree]) -> dict[str, Tree]:
    """Return the arguments of a convolution or pool with the shortest pad_mode that is right.

    Without padding a pool's default is "valid"; a convolution's is "same", which adds nothing to
    a kernel of 1. A pool in ceil_mode or with dilation must say "pad" in any case.
    """
    if values.get("pad_mode") != "pad" or values.get("padding") != 0:
        return values
    if str(function).endswith("Transpose"):
        return values
    is_pool = "Pool" in str(function)
    if is_pool and (values.get("ceil_mode", False) is not False or values.get("dilation", 1) != 1):
        return values
    no_padding = "valid" if is_pool or values.get("kernel_size") != 1 else "same"
    return {**values, "pad_mode": no_padding}


def fill(template: str, operands: Sequence[str], settings: Mapping[str, str]) -> str:
    """Return a template with its operands and settings in place.

    A tuple that stands as `{shape:bare}` is written without brackets: `x.reshape(batch, -1)`; a
    number as `{scale:4}` with brackets where it binds less: `x * (length + 1)`.
    """
    parts: list[str] = []
    for text, name, form, _ in string.Formatter().parse(template):
        parts.append(text)
        if name is not None:
            given = operands[int(name)] if name.isdigit() else settings[name]
            if form == "bare" and given.startswith("(") and given != "()":
                given = given[1:-1].rstrip(",")
            elif form and form.isdigit() and tightness(given) < int(form):
                given = f"({given})"
            parts.append(given)
    return "".join(parts)


def tightness(text: str) -> int:
    """Return how tightly the outermost operator of a number's expression binds."""
    match ast.parse(text, mode="eval").body:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return SUM
        case ast.BinOp():
            return PRODUCT
        case ast.UnaryOp():
            return UNARY
        case _:
            return ATOM
