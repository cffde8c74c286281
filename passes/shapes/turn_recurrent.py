"""Recurrent layers that run backwards, or whose batch comes first."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand
from ...compiler.ir.provenance import inherit
from ...compiler.ir.recurrent import (
    KINDS,
    Activation,
    activations_of,
    directions_of,
    results_of,
)
from ..base import graph_pass
from ..fuse.fuse_recurrent import is_expressible
from ..rewrite import Names, Site, set_attribute, set_inputs

LENGTHS = 4
SWAPPED = (1, 0, 2)
OF_A_DIRECTION = (1, 2, 3, 5, 6, 7)
"""Inputs whose first axis is the direction: weights, bias, states, peepholes."""


@graph_pass(after=("fold_constants",))
def turn_recurrent(graph: ir.Graph) -> int:
    """Write recurrent layers of layout 1, or backwards, by transposes, flips and a forward one.

    nn.LSTM and its like of MindSpore 2.10 run forwards or in both directions. A layer of both that
    they cannot express becomes two.
    """
    turned = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type not in KINDS:
            continue
        site = Site(node, names)
        if attribute(node, "layout", 0):
            _put_time_first(site)
        elif attribute(node, "direction", "forward") == "reverse":
            _run_forwards(site)
        elif directions_of(node) == 2 and not is_expressible(node) and _are_known(node):
            _split(site, names)
        else:
            continue
        turned += 1
    return turned


def _are_known(node: ir.Node) -> bool:
    """Tell whether waiting does not help: an unknown shape of x may yet be inferred."""
    x = operand(node, 0)
    return x is not None and x.shape is not None


def _put_time_first(site: Site) -> None:
    """Write layout 1, (batch, time), as layout 0, (time, batch), between transposes."""
    node = site.node
    inputs = list(node.inputs)
    for index in (0, 5, 6):
        if index < len(inputs) and (value := inputs[index]) is not None:
            inputs[index] = site.add("Transpose", [value], perm=SWAPPED, dtype=value.dtype)
    del node.attributes["layout"]
    set_inputs(node, *inputs)
    for index, perm in enumerate([(2, 0, 1, 3), SWAPPED, SWAPPED][: len(node.outputs)]):
        if node.outputs[index].name:
            site.follow("Transpose", output=index, perm=perm)


def _run_forwards(site: Site) -> None:
    """Write a layer that runs backwards as a forward one of the flipped sequence."""
    node, x = site.node, site[0]
    lengths = operand(node, LENGTHS)
    set_attribute(node, "direction", "forward")
    if lengths is None:
        bounds = [site.ints([number], role) for number, role in _FLIP]
        flipped = site.add("Slice", [x, *bounds], dtype=None if x is None else x.dtype)
        site.follow("Slice", *bounds)
    else:
        dtype = None if x is None else x.dtype
        int64 = ir.DataType.INT64  # the only type of ReverseSequence's lengths
        lengths = site.add("Cast", [lengths], dtype=int64, to=int(int64))
        flipped = site.add("ReverseSequence", [x, lengths], dtype=dtype, time_axis=0, batch_axis=1)
        one = site.ints([1], "axes")
        site.follow("Unsqueeze", one)
        site.follow("ReverseSequence", lengths, time_axis=0, batch_axis=1)
        site.follow("Squeeze", one)
    set_inputs(node, flipped, *node.inputs[1:])


_FLIP = ((-1, "starts"), (-(2**63), "ends"), (0, "axes"), (-1, "steps"))


def _split(site: Site, names: Names) -> None:
    """Write a layer of both directions as two that run forwards."""
    node = site.node
    activations = activations_of(node)
    half = len(activations) // 2
    parts = [_one_direction(site, i, activations[i * half : (i + 1) * half]) for i in range(2)]
    results = [
        site.add("Concat", [part[i] for part in parts], axis=1 if i == 0 else 0)
        for i in range(len(node.outputs))
    ]
    backwards = parts[1][0].producer()
    if backwards is not None:
        _run_forwards(Site(backwards, names))
    site.replace(*results)


def _one_direction(site: Site, index: int, activations: Sequence[Activation]) -> Sequence[ir.Value]:
    """Insert a layer that runs in one direction."""
    node = site.node
    bounds = [site.ints([number], role) for number, role in
              ((index, "starts"), (index + 1, "ends"), (0, "axes"))]  # fmt: skip
    inputs = list(node.inputs)
    for place in OF_A_DIRECTION:
        if place < len(inputs) and (value := inputs[place]) is not None:
            inputs[place] = site.add("Slice", [value, *bounds], dtype=value.dtype)
    outputs = [
        ir.Value(name=site.name_for(f"{letter}{index}"))
        for letter, _ in zip(results_of(node.op_type), node.outputs, strict=False)
    ]
    new = ir.node(node.op_type, inputs, outputs=outputs, name=site.name_for(f"part{index}"))
    new.attributes.update(node.attributes)
    set_attribute(new, "direction", ("forward", "reverse")[index])
    _write_activations(new, activations)
    inherit([new], [node])
    site.graph.insert_before(node, new)
    return outputs


def _write_activations(node: ir.Node, activations: Sequence[Activation]) -> None:
    set_attribute(node, "activations", [activation.name for activation in activations])
    numbers = {
        "activation_alpha": [a.alpha for a in activations if a.alpha is not None],
        "activation_beta": [a.beta for a in activations if a.beta is not None],
    }
    for name, given in numbers.items():
        node.attributes.pop(name, None)
        if given:
            set_attribute(node, name, given)
