"""What emitters of operators are, how they read a node, and the table of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TypeVar, cast

import onnx_ir as ir

from ...compiler.ir import graph as ask
from ...compiler.ir.dims import Size
from ...compiler.ir.graph import Array
from ...compiler.ir.sizes.analysis import Sizes
from .code import Code, Literal, call

T = TypeVar("T")
Emit = Callable[["Op"], Code]


class CannotEmit(Exception):  # noqa: N818  it is the reason, not the error that a user sees
    """An operator is known, but not with these attributes, ranks or dtypes; says why."""


@dataclass(frozen=True)
class Op:
    """A node as an emitter reads it.

    Attributes:
        node: The node.
        known: What is known of the graph's sizes; None where all of them are numbers.
        table: What emits the nodes of a body that it holds.
    """

    node: ir.Node
    known: Sizes | None = None
    table: "Table" = field(default_factory=lambda: Table({}, {}))

    def __getitem__(self, index: int) -> ir.Value:
        """Return an input that the operator demands."""
        value = ask.operand(self.node, index)
        if value is None:
            raise CannotEmit(f"input {index} is absent")
        return value

    def has(self, index: int) -> bool:
        """Tell whether an optional input is there."""
        return ask.operand(self.node, index) is not None

    @property
    def inputs(self) -> tuple[ir.Value, ...]:
        """All inputs that are there."""
        return tuple(value for value in self.node.inputs if value is not None)

    def attr(self, name: str, default: T) -> T:
        """Return an attribute, or the operator's default, which the caller states."""
        return ask.attribute(self.node, name, default)

    def constant(self, index: int) -> Array:
        """Return the elements of an input that must be known when the network is compiled."""
        array = ask.constant(ask.operand(self.node, index))
        if array is None:
            raise CannotEmit(f"input {index} must be a constant")
        return array

    def integers(self, index: int) -> tuple[int, ...]:
        """Return a constant integer input, such as axes or a shape."""
        numbers = ask.integers(ask.operand(self.node, index))
        if numbers is None:
            raise CannotEmit(f"input {index} must be a constant")
        return numbers

    def sizes(self, index: int) -> tuple[Size, ...]:
        """Return an integer input, such as a shape, as numbers and expressions of dimensions."""
        found = self._sizes(index)
        if found is None:
            raise CannotEmit(f"input {index} must be a constant, or computed from shapes")
        return found

    def has_sizes(self, index: int) -> bool:
        """Tell whether an integer input is constant, or computed from nothing but shapes."""
        return self._sizes(index) is not None

    def _sizes(self, index: int) -> tuple[Size, ...] | None:
        value = ask.operand(self.node, index)
        found: tuple[Size, ...] | None = ask.integers(value)
        if found is None and self.known is not None:
            found = self.known.integers(value)
            if found is not None and not all(map(self.known.tells, found)):
                return None
        return found

    def dims(self, index: int) -> tuple[Size, ...]:
        """Return the shape of an input as numbers and expressions."""
        return self._dims(self[index], f"input {index}")

    def result_dims(self, index: int = 0) -> tuple[Size, ...]:
        """Return the shape of an output as numbers and expressions."""
        return self._dims(self.node.outputs[index], f"output {index}")

    def _dims(self, value: ir.Value, what: str) -> tuple[Size, ...]:
        found: tuple[Size, ...] | None = ask.shape_of(value)
        if found is None and self.known is not None:
            found = self.known.shape(value)
        if found is None:
            raise CannotEmit(f"the shape of {what} is not known")
        return found

    def number(self, index: int) -> Literal:
        """Return the only element of a constant as it is written in source; None if it has more.

        Of a real number that is the shortest decimal which is the same in the constant's type.
        """
        number = ask.scalar(ask.operand(self.node, index))
        if isinstance(number, float):
            precise = self.constant(index).dtype.type
            return float(str(precise(number)))
        return number

    def is_constant(self, index: int) -> bool:
        """Tell whether an input is an initializer."""
        return ask.is_constant(ask.operand(self.node, index))

    def is_constant_or_absent(self, *indices: int) -> bool:
        """Tell whether those of some optional inputs that are there are initializers."""
        return all(self.is_constant(index) for index in indices if self.has(index))

    def shape(self, index: int) -> tuple[int, ...]:
        """Return the shape of an input, all of it known."""
        shape = ask.shape_of(self[index])
        if shape is None:
            raise CannotEmit(f"the shape of input {index} is not known")
        return shape

    def size(self, index: int, axis: int) -> int:
        """Return one dimension of an input, which must be known."""
        shape = self[index].shape
        size = None if shape is None else shape[axis]
        if not isinstance(size, int):
            raise CannotEmit(f"dimension {axis} of input {index} is not known")
        return size

    def has_empty_axis(self, index: int) -> bool:
        """Tell whether a dimension of an input is known to be 0."""
        shape = self[index].shape
        return shape is not None and 0 in list(shape)

    def has_known_elements(self, index: int) -> bool:
        """Tell whether an input is known not to be empty."""
        shape = ask.shape_of(self[index])
        return shape is not None and 0 not in shape

    def rank(self, index: int = 0) -> int:
        """Return the number of dimensions of an input."""
        rank = ask.rank_of(self[index])
        if rank is None:
            raise CannotEmit(f"the rank of input {index} is not known")
        return rank

    @property
    def result_rank(self) -> int:
        """Number of dimensions of the output."""
        rank = ask.rank_of(self.node.outputs[0])
        if rank is None:
            raise CannotEmit("the rank of the output is not known")
        return rank

    def count(self, index: int) -> int | None:
        """Return how many elements a vector has, such as axes; None where that is open."""
        shape = self[index].shape
        found = None if shape is None or not len(shape) else shape[0]
        return found if isinstance(found, int) else None

    @property
    def dtype(self) -> ir.DataType:
        """Element type of the first input."""
        dtype = self[0].dtype
        if dtype is None:
            raise CannotEmit("the element type of input 0 is not known")
        return dtype

    @property
    def outputs(self) -> int:
        """Number of outputs that something reads or the graph returns."""
        used = [i for i, out in enumerate(self.node.outputs) if out.uses() or out.is_graph_output()]
        return max(used, default=0) + 1


@dataclass(frozen=True)
class OperatorEmitter:
    """What some operators become.

    Attributes:
        emit: Returns the code of a node.
        operators: Their names.
        domain: Their domain; empty for ai.onnx.
        versions: Versions of the domain that it was written for; none: any. Operators of ai.onnx
            come in the form of the dialect, whatever version the model was written in.
        gradient: Whether MindSpore derives what they become.
        replaces: Whether it stands in for an emitter that onnx2ms has.
        doc: What its author wrote about it.
        origin: The plugin that it comes from; empty: onnx2ms itself.
    """

    emit: Emit
    operators: tuple[str, ...]
    domain: str = ""
    versions: Collection[int] = ()
    gradient: bool = True
    replaces: bool = False
    doc: str = ""
    origin: str = ""

    def __call__(self, op: Op) -> Code:
        """Return the code of a node."""
        return self.emit(op)


def emits(
    *operators: str,
    domain: str = "",
    versions: Collection[int] = (),
    gradient: bool = True,
    replaces: bool = False,
) -> Callable[[Emit], OperatorEmitter]:
    """Make an emitter of a function; its docstring says what the operators become.

    Args:
        operators: Their names.
        domain: Their domain; empty for ai.onnx.
        versions: Versions of the domain that it was written for; none: any.
        gradient: Whether MindSpore derives what they become.
        replaces: Whether it stands in for an emitter that onnx2ms has.
    """

    def decorate(emit: Emit) -> OperatorEmitter:
        doc = " ".join((emit.__doc__ or "").split())
        return OperatorEmitter(
            emit, operators, domain, tuple(versions), gradient, replaces=replaces, doc=doc
        )

    return decorate


def emits_call(**functions: str) -> tuple[OperatorEmitter, ...]:
    """Return the emitters of operators that are a function of all inputs, without attributes."""

    def emitter(operator: str, function: str) -> OperatorEmitter:
        def emit(op: Op) -> Code:
            return call(function, *op.inputs)

        return OperatorEmitter(emit, (operator,), doc=f"{function}.")

    return tuple(emitter(*item) for item in functions.items())


Emitters = Mapping[tuple[str, str], OperatorEmitter]
"""(domain, operator) to what emits it."""


def table_of(modules: Iterable[ModuleType]) -> Emitters:
    """Return the table of all emitters that some modules define.

    Raises:
        ValueError: An operator has two.
    """
    found: dict[tuple[str, str], OperatorEmitter] = {}
    for module in modules:
        for emitter in _defined_in(module):
            for operator in emitter.operators:
                if (emitter.domain, operator) in found:
                    raise ValueError(f"{operator} has an emitter already")
                found[emitter.domain, operator] = emitter
    return found


def _defined_in(module: ModuleType) -> Iterator[OperatorEmitter]:
    items: list[object] = []
    for item in vars(module).values():
        items += cast("tuple[object, ...]", item) if isinstance(item, tuple) else (item,)
    homes = (module.__name__, __name__)  # what emits_call makes is at home here
    for item in items:
        if isinstance(item, OperatorEmitter) and item.emit.__module__ in homes:
            yield item


@dataclass(frozen=True)
class Table:
    """The emitters that a model is emitted with.

    Attributes:
        emitters: By domain and operator.
        versions: Version of each domain that the model was written in.
        stub: Whether a cell that raises stands for what cannot be emitted.
    """

    emitters: Emitters
    versions: Mapping[str, int]
    stub: bool = False

    def emitter_of(self, node: ir.Node) -> OperatorEmitter:
        """Return what emits a node.

        Raises:
            CannotEmit: Nothing does.
        """
        domain = node.domain
        found = self.emitters.get((domain, node.op_type))
        if found is None:
            raise CannotEmit(f"no emitter for domain '{domain}'" if domain else "no emitter")
        version = self.versions.get(domain, 1)
        if domain and found.versions and version not in found.versions:
            known = ", ".join(map(str, sorted(found.versions)))
            raise CannotEmit(f"its emitter is for version {known} of {domain}, not {version}")
        return found
