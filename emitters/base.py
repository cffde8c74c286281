"""What an emitter is, and what it hands to the driver."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import onnx_ir as ir

from ..compiler.ir.errors import Problem
from ..compiler.ir.graph import Array
from ..compiler.ir.moves import Moves


@dataclass(frozen=True)
class Weight:
    """One parameter of the emitted network.

    Attributes:
        name: Name in the target framework, `layer1.0.bn1.gamma`.
        shape: Shape in the target framework.
        dtype: ONNX element type.
        initializer: Name of the initializer in the file; empty if the compiler made it.
        state_dict: Key in PyTorch's state_dict; None where the file does not tell.
        done: What was done to the value, a sentence a step; empty: as is.
        read: Reads the value, in the target's shape and dtype; each call reads it anew.
        moves: How the elements of PyTorch's tensor are moved to here; None where it is not known.
        tied: Other keys of the same parameter in PyTorch's state_dict.
    """

    name: str
    shape: tuple[int, ...]
    dtype: ir.DataType
    initializer: str
    state_dict: str | None
    done: tuple[str, ...]
    read: Callable[[], Array] = field(repr=False, compare=False)
    moves: Moves | None = None
    tied: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a value of the graph is computed in the source.

    Attributes:
        value: Name of the ONNX value.
        node: Name of the node that makes it.
        class_name: Class in whose `construct` the expression stands.
        path: Path of the cell from the root, `layer1.0`; empty for the root.
        local: Variable that holds it, empty where it is part of a larger expression.
        line: First line of the expression, from 1.
        column: Column of its first character, from 0, as in `ast`.
        end_line: Last line.
        end_column: Column after its last character.
    """

    value: str
    node: str
    class_name: str
    path: str
    local: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Stub:
    """An operator that could not be emitted, and what stands for it.

    Attributes:
        problem: The node, and why it could not.
        class_name: Class whose `construct` raises NotImplementedError.
        cell: Path of its cell from the root.
    """

    problem: Problem
    class_name: str
    cell: str


@dataclass(frozen=True)
class Module:
    """A cell of the emitted network.

    Attributes:
        path: Attributes from the root to it, joined by dots; empty for the root.
        class_name: Its class in the source, or the target framework's.
        torch_class: Qualified class of PyTorch's module, where the file tells.
        nodes: Names of the nodes that it computes itself, not in a cell inside it.
    """

    path: str
    class_name: str
    torch_class: str
    nodes: Sequence[str] = ()


@dataclass(frozen=True)
class Emission:
    """A network as source and weights.

    Attributes:
        source: Text of the module.
        root_class: Name of the class of the whole network.
        weights: Every parameter, in the order of the source.
        source_map: Where each value is computed, in topological order.
        missing: Keys of PyTorch's state_dict that no parameter holds, with the reason.
        stubs: Operators that a person has to write.
        modules: Every cell, each before those inside it.
    """

    source: str
    root_class: str
    weights: Sequence[Weight]
    source_map: Sequence[Place]
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    stubs: Sequence[Stub] = ()
    modules: Sequence[Module] = ()


@dataclass(frozen=True)
class EmitOptions:
    """What the driver tells an emitter.

    Attributes:
        model_name: File name of the model, for the header.
        producer: Exporter and its version, as the file tells it.
        opset: Version of ai.onnx that the file was written in.
        weights_file: Name of the checkpoint beside the source.
        version: Version of onnx2ms.
        stub: Whether a cell that raises stands for what cannot be emitted.
    """

    model_name: str
    producer: str
    opset: int
    weights_file: str
    version: str
    stub: bool = False


class Emitter(Protocol):
    """Writes a lowered graph as source of a target framework."""

    def emit(self, model: ir.Model, options: EmitOptions) -> Emission:
        """Return the network as source and weights.

        Raises:
            UnsupportedError: Operators without an emitter, all of them at once.
        """
        ...
