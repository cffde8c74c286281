"""Recurrent layers that PyTorch and MindSpore have too."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, constant, integers, is_constant, operand
from ...compiler.ir.recurrent import (
    KINDS,
    TIME_FIRST,
    activations_of,
    are_usual,
    directions_of,
    results_of,
)
from ..base import graph_pass
from ..recurrent_definitions import ATTRIBUTES, RECURRENT
from ..rewrite import Names, Site, bypass, set_attribute, set_inputs

LENGTHS, STATES, PEEPHOLES = 4, slice(5, 7), 7
TURNED: tuple[int, ...] = (0, 2, 1, 3)
UNTURNED: tuple[int, ...] = ()


@graph_pass(after=("fold_constants",), writes=tuple(RECURRENT))
def fuse_recurrent(graph: ir.Graph) -> int:
    """Replace LSTM, GRU and RNN by PyTorch's, whose result is (time, batch, directions * hidden).

    Exporters write PyTorch's as ONNX's, with axes (time, direction, batch, hidden), and a Squeeze
    or a Transpose and a Reshape behind it; they go. Initial states of zeros go too.
    """
    fused = 0
    names = Names(graph)
    for node in list(graph):
        if not node.domain and node.op_type in KINDS and is_expressible(node):
            _fuse(Site(node, names))
            fused += 1
    return fused


def is_expressible(node: ir.Node) -> bool:
    """Tell whether a layer of MindSpore computes the same: nothing but the usual gates.

    nn.LSTM and its like of MindSpore 2.10 know neither peepholes nor clipping, run forwards or in
    both directions, and hold their weights in lists: no other layer can share them.
    """
    weights = [operand(node, index) for index in (1, 2, 3)]
    if not all(w is None or (is_constant(w) and len(w.uses()) == 1) for w in weights):
        return False
    extras = attribute(node, "clip", None), attribute(node, "input_forget", 0)
    if operand(node, PEEPHOLES) is not None or extras != (None, 0) or attribute(node, "layout", 0):
        return False
    if attribute(node, "direction", "forward") == "reverse":
        return False
    if node.op_type == "GRU" and not attribute(node, "linear_before_reset", 0):
        return False
    first = operand(node, 0)
    usual = are_usual(node, activations_of(node))
    return usual and first is not None and first.shape is not None


def _fuse(site: Site) -> None:
    node, kind, directions = site.node, site.node.op_type, directions_of(site.node)
    hidden = _hidden_size(node)
    result = node.outputs[0]
    finals = _in_torch_form(result, directions * hidden)
    readers = {use.node for use in result.uses()}
    if result.is_graph_output() or readers - {first for first, _ in finals}:
        _restore(site, directions)
    else:
        result.name = site.name_for(kind.lower())
    _retype(node, directions * hidden)
    for first, last in finals:
        last.op_type = "Identity"
        last.attributes.clear()
        set_inputs(last, node.outputs[0])
        bypass(last)
        if first is not last and first.graph is not None and not first.outputs[0].uses():
            first.graph.remove(first, safe=True)
    _rewrite(site, hidden)


def _hidden_size(node: ir.Node) -> int:
    recurrence = operand(node, 2)
    assert recurrence is not None, "R is there"
    assert recurrence.const_value is not None, "R is a constant"
    return int(recurrence.const_value.shape.numpy()[2])


def _in_torch_form(result: ir.Value, size: int) -> list[tuple[ir.Node, ir.Node]]:
    """Return the first and the last node of each way from the result to PyTorch's form of it."""
    ways: list[tuple[ir.Node, ir.Node]] = []
    for reader in dict.fromkeys(use.node for use in result.uses()):
        if reader.domain:
            continue
        if reader.op_type == "Squeeze" and integers(operand(reader, 1)) == (1,):
            ways.append((reader, reader))
        elif reader.op_type == "Transpose" and attribute(reader, "perm", UNTURNED) == TURNED:
            turned = reader.outputs[0]
            ends = [use.node for use in turned.uses()]
            if ends and not turned.is_graph_output() and all(_flattens(e, size) for e in ends):
                ways += [(reader, end) for end in ends]
    return ways


def _flattens(node: ir.Node, size: int) -> bool:
    """Tell whether a Reshape joins the last two of four axes."""
    before, after = operand(node, 0), node.outputs[0].shape
    if node.domain or node.op_type != "Reshape" or before is None or before.shape is None:
        return False
    return after is not None and [*after] == [*before.shape[:2], size]


def _restore(site: Site, directions: int) -> None:
    """Insert what gives other readers ONNX's form of the result."""
    if directions == 1:
        site.follow("Unsqueeze", site.ints([1], "axes"))
    else:
        site.follow("Transpose", perm=TURNED)
        site.follow("Reshape", site.ints([0, 0, directions, -1], "shape"))


def _retype(node: ir.Node, size: int) -> None:
    x, result = node.inputs[0], node.outputs[0]
    assert x is not None, "a recurrent layer has an input"
    assert x.shape is not None, "its shape is known"
    result.type = x.type
    result.shape = ir.Shape([*x.shape[:2], size])


def _rewrite(site: Site, hidden: int) -> None:
    """Turn a node into one of our domain; a call of a function has all outputs."""
    node = site.node
    kind, activations = node.op_type, [a.name for a in activations_of(node)]
    node.resize_outputs(len(results_of(kind)))
    for state, value in zip("hc", node.outputs[1:], strict=False):
        value.name = value.name or site.name_for(state)
    inputs = list(node.inputs) + [None] * (7 - len(node.inputs))
    states = inputs[STATES][: KINDS[kind]]
    if all(is_zero(state) for state in states):
        states = [None] * len(states)
    set_attribute(node, "hidden_size", hidden)
    if "direction" not in node.attributes:
        set_attribute(node, "direction", "forward")
    if kind == "RNN":
        set_attribute(node, "activations", activations)
    for name in list(node.attributes):
        if name not in ATTRIBUTES[kind]:
            del node.attributes[name]
    set_attribute(node, "order", TIME_FIRST)
    node.domain, node.op_type = DOMAIN, f"{kind}1"
    set_inputs(node, inputs[0], inputs[LENGTHS], *states, *inputs[1:4])


def is_zero(value: ir.Value | None) -> bool:
    """Tell whether an initial state is absent or all zeros, spread to some shape or cut of it."""
    while value is not None and not is_constant(value):
        maker = value.producer()
        if maker is None or maker.domain or maker.op_type not in ("Expand", "Slice", "Identity"):
            return _is_zeros(maker)
        value = maker.inputs[0]
    array = constant(value)
    return array is None or not array.any()


def _is_zeros(maker: ir.Node | None) -> bool:
    if maker is None or maker.domain or maker.op_type != "ConstantOfShape":
        return False
    element: ir.TensorProtocol | None = attribute(maker, "value", None)
    return element is None or not element.numpy().any()  # pyright: ignore


def same_attributes(one: ir.Node, other: ir.Node, names: Sequence[str]) -> bool:
    """Tell whether two nodes have the same values of attributes."""
    return all(attribute(one, name, None) == attribute(other, name, None) for name in names)
