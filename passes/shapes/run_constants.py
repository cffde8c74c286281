"""Constant nodes computed by onnxruntime, all of a graph in one session."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

import onnx_ir as ir

from ...compiler.ir.dialect import OPSET
from ...compiler.ir.graph import elements, shape_of
from ..rewrite import tensor_of
from ..runtime import CannotLoadError, run_proto
from ..skeleton import skeleton

Tensor: TypeAlias = Callable[[ir.Value], ir.TensorProtocol | None]

COMPUTED_BYTES = 2**31
"""Most bytes of one constant, and of all that one session computes; the rest is for run time."""

NUMPY_TYPES = frozenset(
    ir.DataType[name]
    for name in (
        *("FLOAT", "DOUBLE", "FLOAT16", "BOOL", "INT8", "INT16", "INT32", "INT64"),
        *("UINT8", "UINT16", "UINT32", "UINT64"),
    )
)
"""Element types that pass between NumPy and onnxruntime as they are."""

NEVER_LARGER = frozenset(("NonZero", "Unique", "Compress"))
"""Operators whose output shape nobody knows before, but which make no more than they are given."""


def is_runnable(node: ir.Node, budget: int, tensor: Tensor) -> int | None:
    """Tell whether onnxruntime may compute a node whose inputs are constants.

    Args:
        node: A node of ai.onnx.
        budget: How many bytes its outputs may have, and its inputs that are not in memory yet.
        tensor: Returns the elements of a constant, None where another such node makes them.

    Returns:
        How many bytes these have, or None: too many, or unknown, or of a type NumPy lacks.
    """
    if not node.inputs:
        return None
    operands = [value for value in node.inputs if value is not None]
    if not all(_is_plain(value) for value in (*operands, *node.outputs)):
        return None
    needed: float = sum(
        known.nbytes for value in operands if isinstance(known := tensor(value), ir.LazyTensor)
    )
    for value in node.outputs:
        shape, dtype = shape_of(value), value.dtype
        if shape is None or dtype is None:
            if node.op_type not in NEVER_LARGER:
                return None
            continue
        needed += math.prod(shape) * dtype.itemsize
    return int(needed) if needed <= budget else None


def run_nodes(nodes: Collection[ir.Node], tensor: Tensor) -> Mapping[ir.Value, ir.TensorProtocol]:
    """Compute nodes in one session of onnxruntime.

    Args:
        nodes: Nodes in topological order that read constants and one another.
        tensor: Returns the elements of a constant.

    Returns:
        Those of their outputs that other nodes read; nothing if onnxruntime lacks a kernel for one
        of the nodes: then all of them are left for run time.
    """
    if not nodes:
        return {}
    made = {value for node in nodes for value in node.outputs}
    read = {value for node in nodes for value in node.inputs if value is not None}
    constants = sorted(read - made, key=_name)
    outputs = [
        value
        for node in nodes
        for value in node.outputs
        if value.is_graph_output() or any(reader not in nodes for reader in value.consumers())
    ]
    view = ir.GraphView(constants, outputs, nodes=list(nodes), name="constants")
    inputs = {_name(value): elements(known) for value in constants if (known := tensor(value))}
    try:
        results = run_proto(
            skeleton(view, opsets={"": OPSET}).proto, inputs, [_name(value) for value in outputs]
        )
    except CannotLoadError:
        return {}
    return {value: tensor_of(results[_name(value)]) for value in outputs}


def _is_plain(value: ir.Value) -> bool:
    return isinstance(value.type, ir.TensorType) and value.dtype in NUMPY_TYPES


def _name(value: ir.Value) -> str:
    return value.name or ""
