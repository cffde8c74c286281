"""What is computed of parameters that are trained: to fold it would freeze it."""

from collections.abc import Callable

import onnx_ir as ir

from ...compiler.ir.graph import attribute, is_constant
from ...compiler.ir.provenance import ROLE
from .splat import LAZY, VIEWS

RECURRENT = ("LSTM", "GRU", "RNN")

PACKS = (*VIEWS, "Slice", "Concat")
"""Operators by which PyTorch's exporters bring the weights of recurrent layers in ONNX's order."""

PARAMETERS = ("trained", "frozen")


def is_parameter(value: ir.Value) -> bool:
    """Tell whether a value is known for a parameter of PyTorch's, not a buffer or a constant."""
    return is_constant(value) and value.metadata_props.get(ROLE) in PARAMETERS


def computes_parameter(node: ir.Node, is_made: Callable[[ir.Value], bool]) -> bool:
    """Tell whether a node makes something of a parameter that must not be folded.

    To move its elements all at once is no harm: it is still that parameter. Nor is what becomes
    the weight of a recurrent layer, which has a parameter for each again.

    Args:
        node: Any node.
        is_made: Tells whether a value is made of a parameter.
    """
    operands = node.inputs[:1] if node.op_type in LAZY else node.inputs
    if node.op_type in ("Shape", "Size") or not any(v and is_made(v) for v in operands):
        return False
    if is_move(node):
        return False
    return node.op_type not in PACKS or not all(map(_is_recurrent, node.outputs))


def is_move(node: ir.Node) -> bool:
    """Tell whether a node moves the elements of its first input and changes none."""
    if node.op_type != "Cast":
        return node.op_type in VIEWS
    source = node.inputs[0]
    return source is not None and source.dtype == attribute(node, "to", 0)


def _is_recurrent(value: ir.Value) -> bool:
    """Tell whether a value becomes weights of recurrent layers, and nothing else."""
    readers = value.uses()
    return (
        bool(readers)
        and not value.is_graph_output()
        and all(
            index in (1, 2, 3)
            if node.op_type in RECURRENT
            else node.op_type in PACKS and all(map(_is_recurrent, node.outputs))
            for node, index in readers
        )
    )
