"""What is known when the network is compiled is computed then."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import onnx_ir as ir

from ...compiler.ir.evaluate import EVALUATORS, CannotEvaluateError, evaluate, output_size
from ...compiler.ir.graph import attribute, blaming, elements, is_constant, shape_of
from ...compiler.ir.moves import Step
from ...compiler.ir.provenance import (
    KEY,
    ROLE,
    TIED,
    add_history,
    moves_of,
    set_moves,
    set_sources,
    sources_of,
)
from ..base import graph_pass
from ..rewrite import Names, Site, add_initializer, take_over, tensor_of
from . import dequantize
from .learned import computes_parameter, is_parameter
from .parameter_parts import parameter_parts
from .run_constants import COMPUTED_BYTES, NUMPY_TYPES, is_runnable, run_nodes
from .splat import LAZY, VIEWS, Splat, lazily

T = TypeVar("T")
assert dequantize, "importing it adds to the evaluators"

SPREAD_BYTES, CLAIMED_BYTES = 2**30, 2**31
"""Most bytes of one constant that is an element spread, and of all in a graph: a file of a few
bytes claims any number, and the checkpoint holds them all."""

UNASKED_BYTES, TIMES = 2**26, 8
"""Bytes of what onnxruntime may compute, whatever a graph holds, and times of what it holds."""

EAGER = 2**16
"""Most elements of a constant that is computed at once; larger ones are when they are read."""

NEVER = frozenset(
    (
        *("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"),
        *("RandomUniformLike", "Dropout", "Identity", "Constant", "If", "Loop", "Scan"),
        *("SequenceMap", "QuantizeLinear", "DynamicQuantizeLinear"),
    )
)
"""Not known before the network runs, or the business of other passes."""

EVALUATED = NUMPY_TYPES | {ir.DataType.BFLOAT16}
"""Element types of which NumPy, with ml_dtypes, computes what ONNX says."""

DEQUANTIZED = EVALUATED | {
    ir.DataType[name]
    for name in (
        *("INT2", "INT4", "UINT2", "UINT4", "FLOAT4E2M1", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ"),
        *("FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0"),
    )
}
"""Element types of weights that DequantizeLinear makes real numbers of; MindSpore lacks these."""


@dataclass(frozen=True)
class Origin:
    """Where a folded value comes from.

    Attributes:
        constants: The initializers that it was made from.
        steps: What was done to them, in order.
        moves: How their elements were moved; None where some were changed or left out.
    """

    constants: tuple[ir.Value, ...] = ()
    steps: tuple[str, ...] = ()
    moves: tuple[Step, ...] | None = ()


@dataclass
class Folding:
    """The constants found so far in one graph.

    Attributes:
        tensors: By output of a folded node, its value.
        origins: Where each of them comes from.
        nodes: The folded nodes, in topological order.
        claimed: Bytes of the constants that are one element spread, here and in the graph.
    """

    tensors: dict[ir.Value, ir.TensorProtocol] = field(
        default_factory=dict[ir.Value, ir.TensorProtocol]
    )
    origins: dict[ir.Value, Origin] = field(default_factory=dict[ir.Value, Origin])
    nodes: dict[ir.Node, None] = field(default_factory=dict[ir.Node, None])
    claimed: int = 0

    def tensor(self, value: ir.Value) -> ir.TensorProtocol | None:
        """Return the elements of a value, if they are known by now."""
        return value.const_value if is_constant(value) else self.tensors.get(value)

    def parameters(self, value: ir.Value) -> bool:
        """Tell whether a value is made of a parameter."""
        constants = (self.origins.get(value) or Origin((value,))).constants
        return any(is_parameter(constant) for constant in constants)

    def add(self, node: ir.Node, tensors: Mapping[ir.Value, ir.TensorProtocol]) -> None:
        """Note what those outputs of a node are that others read."""
        self.nodes[node] = None
        self.tensors.update(tensors)
        self.origins.update(dict.fromkeys(node.outputs, self._origin(node)))

    def _origin(self, node: ir.Node) -> Origin:
        if node.op_type in ("Shape", "Size"):
            return Origin(moves=None)
        operands = [value for value in node.inputs if value is not None]
        if node.op_type in LAZY:
            operands = operands[:1]  # the others say where to, not what
        origins = [self.origins.get(value) or Origin((value,)) for value in operands]
        idle = self._is_idle(node)
        steps = [step for origin in origins for step in origin.steps]
        return Origin(
            _unique(constant for origin in origins for constant in origin.constants),
            _unique(steps if idle else [*steps, _step(node)]),
            self._moves(node, origins, idle=idle),
        )

    def _is_idle(self, node: ir.Node) -> bool:
        """Tell whether a node is a Cast to what is there: PyTorch writes it before a GroupNorm."""
        value = node.inputs[0] if node.op_type == "Cast" else None
        tensor = None if value is None else self.tensor(value)
        return tensor is not None and tensor.dtype == _cast_to(node)

    def _moves(
        self, node: ir.Node, origins: list[Origin], *, idle: bool
    ) -> tuple[Step, ...] | None:
        """Return how elements were moved up to the output of a node."""
        if len(origins) != 1 or origins[0].moves is None or not (idle or node.op_type in VIEWS):
            return None
        shape = tuple(int(size) for size in self.tensors[node.outputs[0]].shape.numpy())
        move: Step = ("reshape", shape)
        if node.op_type == "Transpose":
            move = ("transpose", tuple(attribute(node, "perm", [*range(len(shape))[::-1]])))
        return origins[0].moves if idle else (*origins[0].moves, move)


@graph_pass(after=("lift_constants", "infer_shapes"))
def fold_constants(graph: ir.Graph) -> int:
    """Compute, once and for all, every node whose inputs are constants.

    Shape arithmetic is computed with NumPy, a large constant seen differently whenever it is read,
    and all the rest in one session of onnxruntime. Random operators stay, Dropout among them, and
    what is computed of a parameter of PyTorch's, or takes a part of one: it would not learn.
    """
    kept = parameter_parts(graph)
    folding = Folding(claimed=_claimed(graph))
    deferred: dict[ir.Node, None] = {}
    pending: set[ir.Value] = set()
    budget = min(max(UNASKED_BYTES, TIMES * _held(graph)), COMPUTED_BYTES)
    for node in graph:
        if node.domain or node.op_type in NEVER or not node.outputs or node in kept:
            continue
        if computes_parameter(node, folding.parameters):
            continue
        try:
            with blaming(node):
                tensor = _compute(node, folding)
        except CannotEvaluateError:
            continue  # in a branch that is never taken, or the network will fail there as well
        if tensor is not None:
            folding.add(node, {node.outputs[0]: tensor})
        elif all(_is_known(value, folding, pending) for value in node.inputs):
            needed = is_runnable(node, budget, folding.tensor)
            if needed is not None:
                budget -= needed
                deferred[node] = None
                pending.update(node.outputs)
    computed = run_nodes(deferred, folding.tensor)
    for node in deferred if computed else ():
        folding.add(node, computed)
    _replace(graph, folding)
    return len(folding.nodes)


def _claimed(graph: ir.Graph) -> int:
    """Return how many bytes the constants of a graph have that the model claims, not holds."""
    held = (value.const_value for value in graph.initializers.values())
    return sum(tensor.nbytes for tensor in held if isinstance(tensor, Splat))


def _held(graph: ir.Graph) -> int:
    """Return how many bytes the constants of a graph have that are in its file or in memory."""
    held = (value.const_value for value in graph.initializers.values())
    return sum(t.nbytes for t in held if t is not None and not isinstance(t, Splat))


def _is_known(value: ir.Value | None, folding: Folding, pending: set[ir.Value]) -> bool:
    return value is None or value in pending or folding.tensor(value) is not None


def _compute(node: ir.Node, folding: Folding) -> ir.TensorProtocol | None:
    """Return the output of a node that needs no onnxruntime, or None."""
    if node.op_type in ("Shape", "Size"):
        return _measure(node)
    if node.op_type not in EVALUATORS:
        return None
    operands = [None if value is None else folding.tensor(value) for value in node.inputs]
    given = [operand for operand in operands if operand is not None]
    if len(given) < sum(value is not None for value in node.inputs):
        return None
    known = DEQUANTIZED if node.op_type == "DequantizeLinear" else EVALUATED
    if not all(dtype in known for dtype in (*(item.dtype for item in given), _cast_to(node))):
        return None
    spreads = node.op_type in LAZY and node.op_type != "DequantizeLinear"
    if node.op_type == "ConstantOfShape" or (spreads and _is_single(given[0])):
        tensor = _splat(node, operands, min(SPREAD_BYTES, CLAIMED_BYTES - folding.claimed))
        folding.claimed += tensor.nbytes if isinstance(tensor, Splat) else 0
        return tensor
    if all(operand.size <= EAGER for operand in given):
        arrays = [None if operand is None else elements(operand) for operand in operands]
        if output_size(node, arrays) <= EAGER:
            return tensor_of(evaluate(node, arrays))
    shape, dtype = shape_of(node.outputs[0]), node.outputs[0].dtype
    if node.op_type not in LAZY or shape is None or dtype is None:
        return None
    if math.prod(shape) * dtype.itemsize > COMPUTED_BYTES:
        return None
    return lazily(node, operands, dtype, shape)


def _cast_to(node: ir.Node) -> ir.DataType:
    return ir.DataType(attribute(node, "to", 0)) if node.op_type == "Cast" else ir.DataType.BOOL


def _measure(node: ir.Node) -> ir.TensorProtocol | None:
    """Return what Shape or Size gives for a value of known shape, constant or not."""
    shape = shape_of(node.inputs[0])
    if shape is None:
        return None
    if node.op_type == "Size":
        return tensor_of(np.asarray(math.prod(shape), np.int64))
    start, end = attribute(node, "start", 0), attribute(node, "end", len(shape))
    return tensor_of(np.asarray(shape[start:end], np.int64))


def _is_single(tensor: ir.TensorProtocol) -> bool:
    return isinstance(tensor, Splat) or tensor.size == 1


def _splat(
    node: ir.Node, operands: list[ir.TensorProtocol | None], room: int
) -> ir.TensorProtocol | None:
    """Return what a node makes of one element: many of it, none of which is in memory."""
    arrays = [None if operand is None else elements(operand) for operand in operands]
    if output_size(node, arrays) > room:
        return None
    if node.op_type == "Cast" and isinstance(operands[0], Splat):  # of the one element, not of all
        return Splat(evaluate(node, [operands[0].element]), operands[0].shape.numpy())
    array = evaluate(node, arrays)
    if array.nbytes > room:
        return None
    spread = node.op_type in ("ConstantOfShape", "Expand") or isinstance(operands[0], Splat)
    return Splat(array.reshape(-1)[:1], array.shape) if spread and array.size else tensor_of(array)


def _step(node: ir.Node) -> str:
    """Return what a node does to a weight, for people."""
    shape, dtype = shape_of(node.outputs[0]), node.outputs[0].dtype
    if node.op_type == "Transpose" and shape is not None:
        return f"transposed to {shape}"
    if node.op_type in VIEWS and shape is not None:
        return f"reshaped to {shape}"
    if node.op_type == "Cast" and dtype is not None:
        return f"cast to {dtype.name.lower()}"
    if node.op_type == "DequantizeLinear" and dtype is not None:
        return f"dequantized to {dtype.name.lower()}"
    return f"folded from {node.op_type}"


def _unique(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))


def _replace(graph: ir.Graph, folding: Folding) -> None:
    """Put constants in the place of the folded nodes' outputs that others read."""
    names = Names(graph)
    for node in folding.nodes:
        for value in node.outputs:
            if value.is_graph_output():
                _keep_output(Site(node, names), value, folding)
            elif any(reader not in folding.nodes for reader in value.consumers()):
                name, value.name = value.name or "", None
                constant = add_initializer(graph, name, folding.tensors[value])
                constant.metadata_props.update(value.metadata_props)
                _record(constant, folding.origins[value])
                value.replace_all_uses_with(constant)
    graph.remove(folding.nodes, safe=True)


def _keep_output(site: Site, value: ir.Value, folding: Folding) -> None:
    """Let an Identity give a constant the name of the graph output that it is."""
    constant = add_initializer(site.graph, site.name_for("value"), folding.tensors[value])
    _record(constant, folding.origins[value])
    take_over(value, site.add("Identity", [constant]))


def _record(constant: ir.Value, origin: Origin) -> None:
    """Note where a folded constant comes from.

    Its key in PyTorch's state_dict stays where its elements are the parameter's, only moved.
    """
    # shapes, axes and indices are int64, and say what to do, not what it is done to
    weights = [item for item in origin.constants if item.dtype is not ir.DataType.INT64]
    sources = [
        name
        for source in weights or origin.constants
        for name in sources_of(source) or ((source.name,) if source.name else ())
    ]
    set_sources(constant, sources)
    constants = origin.constants
    if origin.moves is not None and len(constants) == 1 and KEY in constants[0].metadata_props:
        source = constants[0]
        for entry in {KEY, ROLE, TIED} & source.metadata_props.keys():
            constant.metadata_props[entry] = source.metadata_props[entry]
        set_moves(constant, moves_of(source).then(origin.moves))
    for step in origin.steps:
        add_history(constant, step, *constants)
