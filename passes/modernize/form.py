"""An operator in the form of some operator set, and the table of how each form is read."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy.typing as npt
import onnx_ir as ir

from ...compiler.ir.errors import ModelError, quoted
from ...compiler.ir.graph import attribute, operator, rank_of
from ..rewrite import Names, Site, set_attribute

T = TypeVar("T")


class Form(Site):
    """A node in the form of an older or newer operator set, rewritten in place.

    Attributes:
        version: Version of ai.onnx that the file was written in.
    """

    def __init__(self, node: ir.Node, names: Names, version: int) -> None:
        """Choose a node, in the form of a version of ai.onnx."""
        super().__init__(node, names)
        self.version = version

    def take(self, name: str, default: T) -> T:
        """Remove an attribute that the dialect does not have and return its value."""
        value = attribute(self.node, name, default)
        self.node.attributes.pop(name, None)
        return value

    def keep(self, name: str, default: int | float | str) -> None:
        """Write out an attribute whose default was another one."""
        if name not in self.node.attributes:
            set_attribute(self.node, name, default)

    def give(self, index: int, value: ir.Value | None) -> None:
        """Set an input, behind absent ones where there are fewer."""
        if index >= len(self.node.inputs):
            self.node.resize_inputs(index + 1)
        self.node.replace_input_with(index, value)

    def attribute_to_input(self, name: str, index: int) -> None:
        """Turn a list of integers, where it is there, from an attribute into an input."""
        elements: Sequence[int] | None = self.take(name, None)
        if elements is not None:
            self.give(index, self.ints(elements, name))

    def like_input(self, elements: npt.ArrayLike, role: str) -> ir.Value:
        """Register a constant of the first input's element type."""
        source = self[0]
        dtype = source.dtype if source is not None else None
        return self.constant(elements, role, dtype or ir.DataType.FLOAT)

    def rank(self, index: int = 0) -> int:
        """Return the rank of an input on which the form in the dialect depends.

        Raises:
            ModelError: It is not known.
        """
        rank = rank_of(self[index])
        if rank is None:
            raise ModelError(
                f"cannot read {operator(self.node)} {quoted(self.node.name or '')} of operator set "
                f"{self.version}: the rank of its input {index} is not known",
                help="give the shape of the model's inputs with --shape",
            )
        return rank


Rule = Callable[[Form], None]


@dataclass(frozen=True)
class Reading:
    """What was read about an operator.

    Attributes:
        versions: Every version of it that was read.
        rule: Rewrites a node of any of them; None if only the types that it takes have changed.
    """

    versions: frozenset[int]
    rule: Rule | None = None


READINGS: dict[str, Reading] = {}
"""By operator of ai.onnx. A test asks that it holds every version that ONNX has published."""


def reads(*op_types: str, versions: Collection[int]) -> Callable[[Rule], Rule]:
    """Register the rule for operators, and the versions it was written for.

    Raises:
        ValueError: An operator has a rule already.
    """

    def register(rule: Rule) -> Rule:
        for op_type in op_types:
            _register(op_type, Reading(frozenset(versions), rule))
        return rule

    return register


def unchanged(versions: Mapping[str, Collection[int]]) -> None:
    """Register operators all of whose versions mean what the dialect's does."""
    for op_type, known in versions.items():
        _register(op_type, Reading(frozenset(known)))


def _register(op_type: str, reading: Reading) -> None:
    if op_type in READINGS:
        raise ValueError(f"{op_type} is read twice")
    READINGS[op_type] = reading
