"""How many products are summed to compute a graph: the usual measure of a network's cost."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import onnx_ir as ir

from .dims import Size, product
from .graph import attribute, bodies, operand, operator
from .sizes.analysis import known_shape
from .trip_count import trip_count

Dims = Sequence[Size]
Rule = Callable[[ir.Node], Size | None]
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@dataclass
class Macs:
    """What a graph costs.

    Attributes:
        total: Multiply-accumulates, as a number or an expression of the graph's symbols.
        by_operator: The same by operator.
        by_node: The same by node, each time that a body is run.
        unknown: How many nodes of an operator could not be counted.
        once: Loops of an unknown number of turns, whose bodies are counted once.
    """

    total: Size = 0
    by_operator: dict[str, Size] = field(default_factory=dict[str, Size])
    by_node: dict[ir.Node, Size] = field(default_factory=dict[ir.Node, Size])
    unknown: Counter[str] = field(default_factory=Counter[str])
    once: int = 0


def count_macs(graph: ir.Graph) -> Macs:
    """Count the multiply-accumulates of convolutions, matrix products, attention and recurrence.

    Of the branches of an If all are counted. What is computed element by element, normalizations,
    pools and softmax are not; nor is what constants are computed from.

    Args:
        graph: A graph in the dialect, its shapes inferred.
    """
    found = Macs()
    _count(graph, 1, found)
    return found


def _count(graph: ir.Graph, turns: Size, found: Macs) -> None:
    for node in graph:
        inner = turns
        if node.op_type == "Loop" and not node.domain:
            count = trip_count(node)
            found.once += count is None
            inner = turns * (1 if count is None else count)
        for body in bodies(node):
            _count(body, inner, found)
        rule = RULES.get(node.op_type) if not node.domain else None
        if rule is None:
            found.unknown.update([operator(node)] if node.domain else [])
            continue
        cost = rule(node)
        if cost is None:
            found.unknown[operator(node)] += 1
            continue
        cost = cost * turns
        found.total = found.total + cost
        found.by_operator[node.op_type] = found.by_operator.get(node.op_type, 0) + cost
        found.by_node[node] = cost


def _dims(node: ir.Node, index: int) -> Dims | None:
    return known_shape(operand(node, index))


def _made(node: ir.Node) -> Dims | None:
    return known_shape(node.outputs[0])


def _convolution(weight: int) -> Rule:
    """Every element that is made sums a product for each of a filter's weights."""

    def rule(node: ir.Node) -> Size | None:
        made, filters = _made(node), _dims(node, weight)
        return None if made is None or filters is None else product(made) * product(filters[1:])

    return rule


def _transposed(node: ir.Node) -> Size | None:
    """Every element that is read is multiplied by each of its channel's weights."""
    read, filters = _dims(node, 0), _dims(node, 1)
    return None if read is None or filters is None else product(read) * product(filters[1:])


def _matrices(node: ir.Node) -> Size | None:
    """Every element that is made sums a product for each column of the first matrix."""
    made, first = _made(node), _dims(node, 0)
    if made is None or first is None:
        return None
    transposed = node.op_type == "Gemm" and attribute(node, "transA", 0)
    return product(made) * first[0 if transposed else -1]


def _einsum(node: ir.Node) -> Size | None:
    """Every combination of indices is a product of all operands."""
    left = attribute(node, "equation", "").replace(" ", "").partition("->")[0]
    sizes: dict[str, Size] = {}
    terms = left.split(",")
    for index, term in enumerate(terms):
        dims = _dims(node, index)
        if dims is None:
            return None
        head, dots, tail = term.partition("...")
        rest = dims[len(head) : len(dims) - len(tail)] if dots else ()
        names = [*head, *(f".{len(rest) - i}" for i in range(len(rest))), *tail]
        for name, size in zip(names, dims, strict=False):
            sizes[name] = size if sizes.get(name, 1) == 1 else sizes[name]
    return product(list(sizes.values())) * max(len(terms) - 1, 0)


def _attention(node: ir.Node) -> Size | None:
    """Every pair of a query and a key is a product over the head, and weighs a value."""
    q, k, v = (_dims(node, index) for index in range(3))
    if q is None or k is None or v is None:
        return None
    past = _dims(node, 4)
    if operand(node, 4) is not None and past is None:
        return None
    queries, keys = q[-2], k[-2] + (past[-2] if past is not None else 0)
    if len(q) == 4:
        return product(q[:2]) * queries * keys * (q[-1] + v[-1])
    heads = attribute(node, "q_num_heads", 1)
    value_heads = attribute(node, "kv_num_heads", heads)
    return q[0] * queries * keys * (q[-1] + v[-1] // value_heads * heads)


def _recurrent(node: ir.Node) -> Size | None:
    """Every step multiplies input and state by the weights of each gate."""
    x, weight, state = (_dims(node, index) for index in range(3))
    if x is None or weight is None or state is None:
        return None
    return x[0] * x[1] * (product(weight) + product(state))


RULES: dict[str, Rule] = {
    "Conv": _convolution(1),
    "ConvInteger": _convolution(1),
    "QLinearConv": _convolution(3),
    "DeformConv": _convolution(1),
    "ConvTranspose": _transposed,
    "MatMul": _matrices,
    "Gemm": _matrices,
    "MatMulInteger": _matrices,
    "QLinearMatMul": _matrices,
    "Einsum": _einsum,
    "Attention": _attention,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
}
