"""The table of rules, and what they have in common."""

from collections.abc import Callable, Mapping, Sequence

import onnx_ir as ir

from ...compiler.ir.graph import attribute, rank_of
from ...compiler.ir.provenance import inherit
from ..rewrite import Site, take_over

FLOAT = ir.DataType.FLOAT
Rule = Callable[[Site], bool]
"""Rewrites a node; False where its operands are not known well enough yet."""

RULES: dict[str, Rule] = {}
"""By operator of the domain com.microsoft."""


def contrib(*op_types: str) -> Callable[[Rule], Rule]:
    """Register the rule for operators.

    Raises:
        ValueError: One of them has a rule already.
    """

    def register(rule: Rule) -> Rule:
        for op_type in op_types:
            if op_type in RULES:
                raise ValueError(f"{op_type} has a rule already")
            RULES[op_type] = rule
        return rule

    return register


def dtype_of(value: ir.Value | None) -> ir.DataType | None:
    """Return the element type of an operand."""
    return None if value is None else value.dtype


def like(site: Site, number: float, role: str, index: int = 0) -> ir.Value:
    """Register a number of the element type of an input."""
    return site.constant(number, role, dtype_of(site[index]) or FLOAT)


def total(site: Site, first: ir.Value | None, *others: ir.Value | None) -> ir.Value | None:
    """Insert the sum of those operands that are there."""
    for other in others:
        if other is not None:
            first = site.add("Add", [first, other], dtype=dtype_of(first))
    return first


def swap_last(site: Site, index: int) -> ir.Value | None:
    """Insert a transposition of the last two axes of an input; None if its rank is not known."""
    rank = rank_of(site[index])
    if rank is None:
        return None
    perm = [*range(rank - 2), rank - 1, rank - 2]
    return site.add("Transpose", [site[index]], perm=perm, dtype=dtype_of(site[index]))


def is_read(site: Site, index: int) -> bool:
    """Tell whether an output is there and something reads it."""
    outputs = site.node.outputs
    if index >= len(outputs) or not outputs[index].name:
        return False
    return bool(outputs[index].uses()) or outputs[index].is_graph_output()


def number(site: Site, name: str, default: float) -> float:
    """Return a real attribute."""
    return float(attribute(site.node, name, default))


def add_several(
    site: Site, op_type: str, inputs: Sequence[ir.Value | None], *dtypes: ir.DataType
) -> list[ir.Value]:
    """Insert a node of several outputs."""
    outputs = [
        ir.Value(name=site.name_for(f"{op_type.lower()}{i}"), type=ir.TensorType(dtype))
        for i, dtype in enumerate(dtypes)
    ]
    name = site.name_for(f"{op_type.lower()}_node")
    node = ir.node(op_type, list(inputs), outputs=outputs, name=name)
    inherit([node], [site.node])
    site.graph.insert_before(site.node, node)
    return outputs


def replace_outputs(site: Site, values: Mapping[int, ir.Value]) -> None:
    """Let values take over those outputs of a node that are read, and remove it."""
    node, maker = site.node, values[0].producer()
    for index, value in values.items():
        if index < len(node.outputs):
            take_over(node.outputs[index], value)
    site.graph.remove(node, safe=True)
    if maker is not None:
        maker.name = node.name
