"""Parameters that are read in several forms."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import onnx_ir as ir

from ...compiler.ir.graph import elements
from ...compiler.ir.moves import Moves
from ...compiler.ir.provenance import (
    KEY,
    ROLE,
    TIED,
    moves_of,
    path_of,
    set_moves,
    set_sources,
    sources_of,
)
from ..base import graph_pass
from ..rewrite import Names, Site, tensor_of

HELD = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm"), (1, 2)),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), (1, 2, 3)),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization", "InstanceNormalization"), (1, 2)),
    **dict.fromkeys(("MatMul", "PRelu", "RMSNormalization"), (1,)),
    "BatchNormalization": (1, 2, 3, 4),
    **dict.fromkeys(("Dense", "Linear"), (1, 2)),  # of domain onnx2ms
    "Gather": (0,),
}
"""Inputs that become weights of a layer, which holds them in the order of axes that PyTorch has."""


class Use(NamedTuple):
    """A parameter where a node reads it."""

    value: ir.Value
    node: ir.Node
    place: int


@graph_pass(after=("fold_constants",))
def rejoin_parameters(graph: ir.Graph) -> int:
    """Move the elements of a parameter when the network runs, where others read it unmoved.

    Folded, each form would be a parameter of its own, and learn by its part of the gradient: a
    convolution's weight that is standardized is seen as a matrix, and turned for its mean.
    """
    forms: dict[str, list[ir.Value]] = defaultdict(list)
    for value in graph.initializers.values():
        if KEY in value.metadata_props and value.metadata_props.get(ROLE) != "buffers":
            forms[value.metadata_props[KEY]].append(value)
    names, order = Names(graph), dict[ir.Node, int]()
    rejoined = 0
    for values in forms.values():
        if not any(moves_of(value).steps for value in values):
            continue
        uses = [Use(value, *use) for value in values for use in value.uses()]
        free = [use for use in uses if use.place not in HELD.get(use.node.op_type, ())]
        if len({moves_of(use.value) for use in free}) + (len(free) < len(uses)) < 2:
            continue
        order = order or {node: number for number, node in enumerate(graph)}
        moved = [use for use in free if use.node in order and moves_of(use.value).steps]
        _move(names, values, sorted(moved, key=lambda use: order[use.node]))
        rejoined += len(moved)
    return rejoined


def _move(names: Names, values: Iterable[ir.Value], uses: Iterable[Use]) -> None:
    """Let nodes read what is made of a parameter as PyTorch has it, once in each module."""
    original = next((value for value in values if not moves_of(value).steps), None)
    made: dict[tuple[object, ...], ir.Value] = {}
    for value, node, place in uses:
        moves, site, path = moves_of(value), Site(node, names), path_of(node)
        if original is None:
            original = _original(site, value)
        now = original
        for count, (step, numbers) in enumerate(moves.steps, 1):
            if (path, moves.steps[:count]) not in made:
                result = (
                    site.add("Transpose", [now], dtype=value.dtype, perm=numbers)
                    if step == "transpose"
                    else site.add("Reshape", [now, site.ints(numbers, "shape")], dtype=value.dtype)
                )
                result.shape = ir.Shape(Moves(moves.shape, moves.steps[:count]).result)
                made[path, moves.steps[:count]] = result
            now = made[path, moves.steps[:count]]
        node.replace_input_with(place, now)


def _original(site: Site, moved: ir.Value) -> ir.Value:
    """Register a parameter in the order of its elements in the state_dict."""
    moves, tensor = moves_of(moved), moved.const_value
    assert tensor is not None, "an initializer has elements"
    shape = ir.Shape(moves.shape)
    original = ir.Value(
        name=site.fresh(moved.metadata_props[KEY]),
        shape=shape,
        type=moved.type,
        const_value=ir.LazyTensor(
            lambda: tensor_of(moves.undo(elements(tensor))), dtype=tensor.dtype, shape=shape
        ),
    )
    for entry in {KEY, ROLE, TIED} & moved.metadata_props.keys():
        original.metadata_props[entry] = moved.metadata_props[entry]
    set_moves(original, Moves(moves.shape))
    set_sources(original, sources_of(moved))
    site.graph.register_initializer(original)
    return original
