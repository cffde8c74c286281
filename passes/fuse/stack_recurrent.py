"""Recurrent layers one above the other."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, operand
from ...compiler.ir.provenance import inherit, path_of
from ...compiler.ir.recurrent import KINDS, MOST_LAYERS, TIME_FIRST, state_names
from ..base import graph_pass
from ..recurrent_definitions import ATTRIBUTES, RECURRENT
from ..rewrite import set_inputs, take_over
from .fuse_recurrent import same_attributes


@graph_pass(after=("fuse_recurrent",), writes=tuple(RECURRENT))
def stack_recurrent(graph: ir.Graph) -> int:
    """Make one recurrent layer of those that feed each other within a module, as in PyTorch."""
    stacked = 0
    for node in list(graph):
        if node.graph is graph and _kind(node) and _below(node) is None:
            chain = [node]
            while (above := _above(chain[-1])) is not None and len(chain) < MOST_LAYERS:
                chain.append(above)
            while len(chain) > 1 and not _states_agree(chain):
                chain.pop()
            if len(chain) > 1:
                _stack(chain)
                stacked += 1
    return stacked


def _kind(node: ir.Node) -> str:
    """Return the operator of a single recurrent layer of our domain, else nothing."""
    kind = node.op_type.removesuffix("1")
    return kind if node.domain == DOMAIN and kind in KINDS and node.op_type != kind else ""


def _below(node: ir.Node) -> ir.Node | None:
    """Return the layer that a layer can be stacked upon."""
    source = operand(node, 0)
    maker = source.producer() if source is not None else None
    return maker if maker is not None and _above(maker) is node else None


def _above(node: ir.Node) -> ir.Node | None:
    """Return the layer that can be stacked upon a layer: the only reader of its result."""
    kind, result = _kind(node), node.outputs[0]
    readers = [use.node for use in result.uses()]
    if not kind or result.is_graph_output() or len(readers) != 1 or _kind(readers[0]) != kind:
        return None
    above, states = readers[0], len(state_names(kind, 1))
    bare = all(operand(layer, 2 + i) is None for layer in (node, above) for i in range(states))
    same = (
        same_attributes(node, above, (*ATTRIBUTES[kind], "order"))
        and operand(node, 1) is operand(above, 1)
        and (operand(node, 4 + states) is None) == (operand(above, 4 + states) is None)
    )
    alike = path_of(node) == path_of(above) and attribute(node, "order", TIME_FIRST) == TIME_FIRST
    return above if bare and same and alike and operand(above, 0) is result else None


def _states_agree(chain: Sequence[ir.Node]) -> bool:
    """Tell whether each final state is read by nobody, or by one Concat of those of all layers."""
    return all(
        _joined(chain, i) is not None or not any(_is_read(node.outputs[i]) for node in chain)
        for i in range(1, len(chain[0].outputs))
    )


def _joined(chain: Sequence[ir.Node], index: int) -> ir.Node | None:
    """Return the Concat of a final state of all layers."""
    states = [node.outputs[index] for node in chain]
    readers = {use.node for state in states for use in state.uses()}
    if len(readers) != 1 or any(state.is_graph_output() for state in states):
        return None
    (reader,) = readers
    joins = not reader.domain and reader.op_type == "Concat" and list(reader.inputs) == states
    return reader if joins and attribute(reader, "axis", 0) in (0, -3) else None


def _is_read(value: ir.Value) -> bool:
    return bool(value.uses()) or value.is_graph_output()


def _stack(chain: Sequence[ir.Node]) -> None:
    first, last = chain[0], chain[-1]
    kind, graph = _kind(first), last.graph
    assert graph is not None, "the layers are in a graph"
    place = 2 + len(state_names(kind, 1))
    weights = [operand(node, place + i) for node in chain for i in range(3)]
    joins = {i: _joined(chain, i) for i in range(1, len(last.outputs))}
    inherit([last], chain)
    last.op_type = f"{kind}{len(chain)}"
    set_inputs(last, operand(first, 0), operand(first, 1), *weights)
    for i, join in joins.items():
        if join is not None:
            set_inputs(join)
            take_over(join.outputs[0], last.outputs[i])
            graph.remove(join)
    for node in reversed(chain[:-1]):
        set_inputs(node)
        graph.remove(node)
