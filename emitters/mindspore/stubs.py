"""What stands for an operator that cannot be emitted: a cell to be written by hand."""

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
import onnx_ir as ir

from ...compiler.ir.errors import Problem
from ...compiler.ir.graph import elements, operator
from ..base import Stub
from .cells import Cell
from .code import Argument, Layer, shortest
from .dtypes import NAMES
from .layout import fit
from .naming import TAKEN, attribute, class_name, identifier, unique

MOST = 16
"""Most elements of an attribute that are written; of a larger one its type and shape are."""

NUMBERS = frozenset(NAMES) - {ir.DataType.COMPLEX64, ir.DataType.COMPLEX128}
LONGEST = 300
RESERVED = frozenset({"self", "inputs", "onnx", "missing"})


@dataclass(frozen=True, eq=False)
class StubLayer(Layer):
    """An operator that nobody can emit.

    Attributes:
        problem: Why.
    """

    _: KW_ONLY
    problem: Problem


def stub(node: ir.Node, problem: Problem) -> StubLayer:
    """Return the cell that stands for a node; it is called with what the node reads."""
    arguments: dict[str, Argument] = {"onnx": signature(node)}
    for name, attr in node.attributes.items():
        wish = attribute(name)
        taken = {*arguments, *RESERVED}
        arguments[unique(f"{wish}_" if wish in RESERVED else wish, taken)] = argument(attr)
    there = [value for value in node.inputs if value is not None]
    places = iter(range(len(there)))
    given = ["None" if value is None else f"{{{next(places)}}}" for value in node.inputs]
    return StubLayer(
        unique(class_name(node.op_type), TAKEN | {*dir(builtins), "OrderedDict"}),
        arguments,
        tuple(there),
        positional=1,
        word=identifier(node.op_type, "stub").lower(),
        given=", ".join(given) if "None" in given else "",
        outputs=tuple(range(len(node.outputs))),
        problem=problem,
    )


def signature(node: ir.Node) -> str:
    """Return `com.acme.Swoosh(float32 (2, 8)) -> float32 (2, 8)`."""
    inputs = ", ".join("none" if value is None else described(value) for value in node.inputs)
    return plain(f"{operator(node)}({inputs}) -> {', '.join(map(described, node.outputs))}")


def described(value: ir.Value) -> str:
    """Return element type and shape of a value, as far as they are known."""
    dtype = "?" if value.dtype is None else value.dtype.name.lower()
    if value.shape is None:
        return dtype
    dims = [str(dim) if isinstance(dim, int) else str(dim.value or "?") for dim in value.shape]
    return f"{dtype} ({', '.join(dims)})"


def argument(attr: ir.Attr) -> Argument:
    """Return an attribute as a constant of Python's, or a description of it."""
    kind, value = attr.type, attr.value
    match kind:
        case ir.AttributeType.INT:
            return int(value)
        case ir.AttributeType.FLOAT:
            return shortest(value)
        case ir.AttributeType.STRING:
            return plain(value)
        case ir.AttributeType.INTS | ir.AttributeType.FLOATS | ir.AttributeType.STRINGS:
            if len(value) > MOST:
                return f"{len(value)} {kind.name.lower()}"
            texts = kind is ir.AttributeType.STRINGS
            return tuple(plain(item) if texts else number(item) for item in value)
        case ir.AttributeType.TENSOR:
            if value.size <= MOST and value.dtype in NUMBERS:
                return tuple(map(number, np.ravel(elements(value)).tolist()))
            dims = ", ".join(map(str, value.shape.numpy()))
            return f"a tensor, {value.dtype.name.lower()} ({dims})"
        case _:
            return f"a {kind.name.lower()}"


def number(item: float) -> float:
    """Return a number as the shortest decimal that is the same float32; an integer as it is."""
    return shortest(item) if isinstance(item, float) else item


def plain(text: str) -> str:
    """Return text of the model as printable ASCII that ends no literal, of bounded length."""
    safe = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in text)
    return safe if len(safe) <= LONGEST else f"{safe[: LONGEST - 3]}..."


def stub_layers(root: Cell) -> list[StubLayer]:
    """Return what stands in a tree for operators that cannot be emitted."""
    layers = [cell.layer for cell in root.walk()]
    return [layer for layer in layers if isinstance(layer, StubLayer)]


def stubs_of(root: Cell) -> list[Stub]:
    """Return the same with the paths of the cells."""
    return [
        Stub(cell.layer.problem, cell.layer.name, cell.path)
        for cell in root.walk()
        if isinstance(cell.layer, StubLayer)
    ]


def stub_classes(layers: Sequence[StubLayer]) -> Iterator[list[str]]:
    """Yield the classes of stubs, one an operator, as lines."""
    for name in dict.fromkeys(layer.name for layer in layers):
        yield stub_class(name, [layer for layer in layers if layer.name == name])


def stub_class(name: str, layers: Sequence[StubLayer]) -> list[str]:
    """Return the class of the stubs of one operator."""
    reasons = dict.fromkeys(f"{x.problem.operator}: {x.problem.reason}" for x in layers)
    kept = dict.fromkeys(key for layer in layers for key in list(layer.arguments)[1:])
    declared = ["onnx: str", *(declaration(key, layers) for key in kept)]
    message = ", ".join(["{onnx}", *(f"{key}={{{key}!r}}" for key in kept)])
    lines = [f"class {name}(nn.Cell):"]
    lines += ['    """To be written by hand, as onnx2ms cannot compile it.', ""]
    lines += [f"    {plain(reason)}" for reason in reasons]
    lines += ['    """', ""]
    lines += fit(4, f"def __init__({', '.join(['self', *declared])}):")
    lines += ["        super().__init__()", *(f"        self.{key} = {key}" for key in kept)]
    lines += fit(8, f'self.missing = f"{message}"')
    lines += ["", "    def construct(self, *inputs: ms.Tensor) -> ms.Tensor:"]
    return [*lines, "        raise NotImplementedError(self.missing)"]


def declaration(key: str, layers: Sequence[StubLayer]) -> str:
    """Return an argument of the constructor; None where some node lacks the attribute."""
    kinds = sorted({type(layer.arguments.get(key)).__name__ for layer in layers} - {"NoneType"})
    if all(key in layer.arguments for layer in layers):
        return f"{key}: {' | '.join(kinds)}"
    return f"{key}: {' | '.join(kinds)} | None = None"
