"""The network as a tree of cells: what objects there are, and what each of them computes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import onnx_ir as ir

from ...compiler.ir.dims import Dim
from .code import Expression, Layer, Literal, Turns, WeightSource


@dataclass(frozen=True)
class Own:
    """An operand that the cell itself holds, `self.weight`."""

    name: str


Operand = ir.Value | Own


@dataclass(frozen=True)
class Guard:
    """What a network demands of the sizes of its inputs.

    Attributes:
        size: The size.
        relation: "at most", "a multiple of" or "" for equal.
        other: What it is compared with.
    """

    size: Literal
    relation: str
    other: Literal


@dataclass(eq=False)
class Step:
    """One operator or one call of a child, in the body of a cell.

    Attributes:
        operands: What it reads, in the order of the template or of the child's arguments.
        outputs: Values that it makes.
        node: The ONNX node; the last one of the child's for a call.
        code: The expression; None for a call.
        child: Name of the child that is called; empty for an expression.
        module: Name of the PyTorch module of an expression, where it had one of its own.
        sizes: Sizes that a child is called with, behind the operands.
        turns: How often the child is called; None for once. The operands are what `Turns` says,
            the states and what the child reads besides.
    """

    operands: list[Operand]
    outputs: list[ir.Value]
    node: ir.Node
    code: Expression | None = None
    child: str = ""
    module: str = ""
    sizes: tuple[Literal, ...] = ()
    turns: Turns | None = None

    @property
    def settings(self) -> Mapping[str, Literal]:
        """Constants and sizes in it, by name."""
        if self.code is not None:
            return self.code.settings
        return {f"size{i}": size for i, size in enumerate(self.sizes)}


FEWEST = 3
"""So many modules whose names differ in a number alone are a sequence."""


@dataclass(eq=False)
class Cell:
    """One object of the generated network.

    Attributes:
        path: Attributes from the root to it, joined by dots; empty for the root.
        torch_class: Qualified PyTorch class where the file tells, else empty.
        layer: The layer of `mindspore.nn` that it is; None if it is a class of ours.
        inputs: Values that it is called with.
        outputs: Values that it returns.
        steps: What its `construct` does.
        children: Cells by attribute; `blocks.0` is element 0 of the list `blocks`.
        own: Parameters and constants that it holds itself, by attribute.
        sizes: Sizes that it is called with, behind the inputs, since it cannot read them there.
        guards: What must hold of the inputs' sizes; of the root alone.
        packed: The Concat that joins all its arguments to its only input, as in DenseNet's
            layers; None if the arguments are the inputs.
        loop: How a list of cells is run, "chain" or "growing" (loops.py); empty for other cells.
    """

    path: str
    torch_class: str = ""
    layer: Layer | None = None
    inputs: list[ir.Value] = field(default_factory=list[ir.Value])
    outputs: list[ir.Value] = field(default_factory=list[ir.Value])
    steps: list[Step] = field(default_factory=list[Step])
    children: dict[str, "Cell"] = field(default_factory=dict[str, "Cell"])
    own: dict[str, WeightSource] = field(default_factory=dict[str, WeightSource])
    sizes: list[Dim] = field(default_factory=list[Dim])
    guards: list[Guard] = field(default_factory=list[Guard])
    packed: Step | None = None
    loop: str = ""

    @property
    def arguments(self) -> list[Operand]:
        """What it is called with, in this order."""
        return list(self.packed.operands) if self.packed else list(self.inputs)

    @property
    def is_sequence(self) -> bool:
        """Whether it is a chain of numbered children, 0, 1, 2 …, each fed by the one before.

        Modules of our own may be called block_0, block_1, block_2 … as well.
        """
        return (
            self.layer is None
            and not self.loop
            and not self.own
            and self.packed is None
            and not self.sizes
            and len(self.inputs) == 1
            and [step.child for step in self.steps] == list(self.children)
            and list(self.children) == [f"{self.stem}{i}" for i in range(len(self.children))]
            and self.is_chain
        )

    @property
    def stem(self) -> str:
        """What the names of many modules in a row begin with, before their numbers; else empty."""
        first = next(iter(self.children), "")
        plain = self.torch_class.rpartition(".")[2] in ("", "Sequential")
        modules = all(child.layer is None and not child.loop for child in self.children.values())
        many = len(self.children) >= FEWEST and bool(self.path)
        return first.removesuffix("0") if plain and modules and many and first != "0" else ""

    @property
    def is_inline(self) -> bool:
        """Whether it is written as a SequentialCell where it is constructed, without a class.

        A class of PyTorch's that derives from Sequential (Conv2dNormActivation) keeps its name
        unless a single layer is left of it.
        """
        plain = self.torch_class.rpartition(".")[2] in ("", "Sequential")
        return self.is_sequence and (plain or len(self.children) == 1)

    @property
    def is_chain(self) -> bool:
        """Whether each step reads what the one before made, and nothing else."""
        current = self.inputs[0] if len(self.inputs) == 1 else None
        for step in self.steps:
            child = self.children.get(step.child)
            plain = child is None or child.layer is None or not any(child.layer.form)
            plain = plain and not step.sizes
            plain = plain and step.turns is None
            if step.operands != [current] or len(step.outputs) != 1 or not plain:
                return False
            current = step.outputs[0]
        return bool(self.steps) and self.outputs == [current]

    def ends(self, first: bool) -> list[ir.Value]:
        """Return what it is called with, or else what it returns."""
        return self.inputs if first else self.outputs

    def walk(self) -> Iterator["Cell"]:
        """Yield this cell and all below it, each before its children."""
        yield self
        for child in self.children.values():
            yield from child.walk()
