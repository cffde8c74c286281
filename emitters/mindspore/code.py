"""The pieces of source that operators become: expressions, layers, weights.

They are data, not text, so that two blocks which differ in numbers alone can be told to be one
class, and the numbers its constructor's arguments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import onnx_ir as ir

from ...compiler.ir.dims import Dim
from ...compiler.ir.graph import Array, elements
from ...compiler.ir.moves import Moves
from ...compiler.ir.provenance import KEY, moves_of
from ...compiler.ir.sizes.analysis import Sizes


@dataclass(frozen=True)
class Host:
    """A size that `construct` computes, as Python does.

    Attributes:
        function: "+", "*", "//", "max" or "min" of the parts; `size INPUT AXIS` of one of the
            cell's inputs; `argument INDEX` for a size that the cell is called with.
        parts: Its operands.
    """

    function: str
    parts: tuple["Literal", ...] = ()


Literal: TypeAlias = bool | int | float | str | Dim | Host | tuple["Literal", ...] | None
"""What may stand in source as a constant: Python's own scalars, never NumPy's, and sizes.

A size is a `Dim` until the cell is known in which it stands, then a `Host`.
"""

NOTHING: Mapping[str, Literal] = MappingProxyType({})


@dataclass(frozen=True)
class Symbol:
    """A name of the generated module, such as `ms.float32`."""

    text: str


Argument: TypeAlias = Literal | Symbol
"""What a layer is constructed with."""

# How tightly an expression binds, in Python's order; an operand that binds less is bracketed.
CHOICE, COMPARISON, BIT_OR, BIT_AND, SUM, PRODUCT, UNARY, POWER, ATOM = range(-1, 8)


@dataclass(frozen=True)
class WeightSource:
    """Where the value of a parameter comes from.

    Attributes:
        value: The initializer.
        steps: What is done to it, first to last: ("transpose", permutation), ("reshape", shape),
            ("part", indices of the first axes) or ("blocks", new order of the equal blocks that
            the first axis consists of).
        key: Key in PyTorch's state_dict of a part of the initializer, where the file tells it.
    """

    value: ir.Value
    steps: tuple[tuple[str, tuple[int, ...]], ...] = ()
    key: str = ""

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape after all steps."""
        tensor = self.value.const_value
        assert tensor is not None, "a weight source is an initializer"
        shape = tuple(int(d) for d in tensor.shape.numpy())
        for step, numbers in self.steps:
            match step:
                case "transpose":
                    shape = tuple(shape[i] for i in numbers)
                case "reshape":
                    shape = numbers
                case "part":
                    shape = shape[len(numbers) :]
                case _:
                    continue
        return shape

    @property
    def moves(self) -> Moves | None:
        """How the elements of PyTorch's parameter are moved to here; None where it is not known."""
        if self.key:  # the steps undo what ONNX's order of the gates did
            return Moves(self.shape)
        moved = all(step in ("transpose", "reshape") for step, _ in self.steps)
        return (
            moves_of(self.value).then(self.steps)
            if moved and KEY in self.value.metadata_props
            else None
        )

    @property
    def dtype(self) -> ir.DataType:
        """ONNX element type."""
        tensor = self.value.const_value
        assert tensor is not None, "a weight source is an initializer"
        return tensor.dtype

    def read(self) -> Array:
        """Return the elements, read from the file anew."""
        tensor = self.value.const_value
        assert tensor is not None, "a weight source is an initializer"
        array = elements(tensor)
        for step, numbers in self.steps:
            match step:
                case "transpose":
                    array = array.transpose(numbers)
                case "reshape":
                    array = array.reshape(numbers)
                case "part":
                    array = np.asarray(array[numbers])
                case _:
                    blocks = array.reshape(len(numbers), -1, *array.shape[1:])
                    array = blocks[list(numbers)].reshape(array.shape)
        return array

    @property
    def done(self) -> tuple[str, ...]:
        """One sentence a step, for the weight map."""
        return tuple(self._said(step, numbers) for step, numbers in self.steps)

    def _said(self, step: str, numbers: tuple[int, ...]) -> str:
        match step:
            case "transpose" if len(numbers) > 2:
                return f"transposed by {list(numbers)}"
            case "transpose":
                return f"transposed to {list(self.shape)}"
            case "reshape":
                return f"reshaped to {list(numbers)}"
            case "part":
                return f"part {list(numbers)} taken"
            case _:
                return f"its {len(numbers)} blocks of rows put in the order {list(numbers)}"


@dataclass(frozen=True, eq=False)
class Expression:
    """One operator as an expression of MindSpore.

    Attributes:
        template: Source with `{0}`, `{1}` … for operands and `{axis}` for settings.
        operands: Values of the graph; an initializer among them becomes a parameter or constant.
        settings: Constants by name; where blocks of one class differ in one of them it becomes
            an argument of the constructor.
        binds: How tightly the outermost operator of the template binds.
        slots: For each operand how tightly it must bind to stand there without brackets.
        cell: The layer that says the same, for a SequentialCell; None if there is none.
        outputs: Number of values it makes; more than one are unpacked.
        first: Which output of the node is the first of them.
        closes: Whether a person would end the statement here, as after an activation.
        helpers: Functions that the generated module must define for it.
        lazy: Whether it computes but one of its operands behind the first, which chooses.
    """

    template: str
    operands: tuple[ir.Value, ...]
    settings: Mapping[str, Literal] = field(default_factory=lambda: NOTHING)
    binds: int = ATOM
    slots: tuple[int, ...] = ()
    cell: "Layer | None" = None
    outputs: int = 1
    first: int = 0
    closes: bool = False
    helpers: tuple[str, ...] = ()
    lazy: bool = False

    def slot(self, index: int) -> int:
        """Return how tightly an operand must bind; 0 inside brackets of the template.

        An operand that is all of the template, or is followed by a dot, an index or arguments, must
        be an atom where the template is told to be one.
        """
        given = self.slots[index] if index < len(self.slots) else 0
        place = f"{{{index}}}"
        if self.template == place:
            return max(given, self.binds)
        followed = any(place + mark in self.template for mark in (".", "[", "("))
        return max(given, ATOM) if followed else given


@dataclass(frozen=True, eq=False)
class Layer:
    """One operator as a layer of `mindspore.nn`.

    Attributes:
        name: Class, as in `nn.Conv2d`.
        arguments: Every argument by name, in the order of the constructor.
        defaults: Values at which an argument is not written.
        positional: How many arguments are written without their names.
        operands: Values of the graph that it is called with.
        weights: Parameter's name in MindSpore to where its value comes from.
        buffers: Names among `weights` that carry no gradient.
        word: What a person calls it where the file gives no name.
        given: How the operands stand in its call, `{0}, ({1}, {2})`; empty for one after the other.
        outputs: Which outputs of the node it makes.
        returned: What is taken of its result, `[0]`, where that is more than the one output.
        unpacked: What its result is assigned to, `{0}, ({1}, _)`; empty for the one output.
    """

    name: str
    arguments: Mapping[str, Argument]
    operands: tuple[ir.Value, ...]
    weights: Mapping[str, WeightSource] = field(default_factory=dict[str, WeightSource])
    defaults: Mapping[str, Argument] = field(default_factory=lambda: NOTHING)
    positional: int = 0
    buffers: frozenset[str] = frozenset()
    word: str = "layer"
    given: str = ""
    outputs: tuple[int, ...] = (0,)
    returned: str = ""
    unpacked: str = ""

    @property
    def form(self) -> tuple[str, str, str]:
        """How it is called and what becomes of its result, but for names."""
        return self.given, self.returned, self.unpacked


@dataclass(frozen=True, eq=False)
class Body:
    """A graph that a node holds, as a cell that is called with all it reads.

    Attributes:
        graph: The graph; its inputs are what the cell is called with.
        codes: The code of each of its nodes.
        known: What is known of its sizes; None where all of them are numbers.
        operands: Values of the graph around that are its last inputs.
    """

    graph: ir.Graph
    codes: Mapping[ir.Node, "Code"]
    known: Sizes | None
    operands: tuple[ir.Value, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """Two bodies of which one is run.

    Attributes:
        condition: Tells which.
        yes: The body that is run where it is true.
        no: The other one.
    """

    condition: ir.Value
    yes: Body
    no: Body

    @property
    def operands(self) -> tuple[ir.Value, ...]:
        """Values of the graph that it reads."""
        return (self.condition, *self.yes.operands, *self.no.operands)


@dataclass(frozen=True)
class Stack:
    """What a loop collects, a part a turn.

    Attributes:
        shape: Shape of a part; None for a size that is not known.
        dtype: Element type.
    """

    shape: tuple[int | None, ...] | None
    dtype: ir.DataType


@dataclass(frozen=True)
class Turns:
    """How often a body is run, and what is done around it.

    Attributes:
        limit: Most turns, where that is a number; None where a value tells them, or nothing does.
        bounded: Whether the first operand is the most turns.
        conditional: Whether the next one is a condition that must hold to begin.
        decides: Whether the body returns first whether it is run once more.
        counts: Whether the body is called first with the number of the turn.
        asks: Whether the body is called next with the condition.
        states: How many values go from turn to turn.
        stacks: What is collected.
    """

    limit: int | None
    bounded: bool
    conditional: bool
    decides: bool
    counts: bool
    asks: bool
    states: int
    stacks: tuple[Stack, ...]


@dataclass(frozen=True, eq=False)
class Repetition:
    """A body that is run again and again.

    Attributes:
        turns: How often.
        given: Most turns and condition where they are values, then the first states.
        body: The body.
    """

    turns: Turns
    given: tuple[ir.Value, ...]
    body: Body

    @property
    def operands(self) -> tuple[ir.Value, ...]:
        """Values of the graph that it reads."""
        return (*self.given, *self.body.operands)


Code = Expression | Layer | Choice | Repetition


def call(
    function: str, *operands: ir.Value, closes: bool = False, **settings: Literal
) -> Expression:
    """Return `function(a, b, name=value)`."""
    places = [f"{{{i}}}" for i in range(len(operands))]
    places += [f"{name}={{{name}}}" for name in settings]
    return Expression(f"{function}({', '.join(places)})", operands, settings, closes=closes)


def binary(sign: str, binds: int, left: ir.Value, right: ir.Value) -> Expression:
    """Return `left sign right`, brackets where an operand binds less."""
    return Expression(f"{{0}} {sign} {{1}}", (left, right), binds=binds, slots=(binds, binds + 1))


def even(numbers: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number where all are the same, as a person writes kernel_size=3."""
    return numbers[0] if len(set(numbers)) == 1 else numbers


def shortest(number: float) -> float:
    """Return the shortest decimal that is the same float32: 0.1 for 0.10000000149011612.

    ONNX attributes are float32; Python prints them as float64.
    """
    return float(str(np.float32(number)))


def literal(value: Literal) -> str:
    """Return the source of a constant; a string is escaped so that it stays one.

    Infinities and NaN are written as calls, having no literal in Python.
    """
    match value:
        case str():
            escaped = value.encode("unicode_escape").decode("ascii").replace('"', '\\"')
            return f'"{escaped}"'
        case tuple():
            items = ", ".join(literal(item) for item in value)
            return f"({items},)" if len(value) == 1 else f"({items})"
        case float() if value != value or value in (float("inf"), float("-inf")):
            return f'float("{value}")'
        case float():
            return repr(value).replace("e+", "e")
        case Dim() | Host():
            raise TypeError(f"the size {value} is written where it is computed")
        case _:
            return repr(value)
