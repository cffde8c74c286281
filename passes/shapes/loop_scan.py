"""One form for what runs along an axis."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, rank_of
from ..base import graph_pass
from ..bodies import new_node, turn_inputs
from ..rewrite import Site, set_inputs, sites

BEGIN = int(np.iinfo(np.int64).min)
"""Where a slice ends that runs backwards through a whole axis."""


@graph_pass(after=("infer_shapes",))
def loop_scan(graph: ir.Graph) -> int:
    """Write Scan as a Loop, whose body takes the part of each input that is its turn's.

    A result that is stacked along another axis than the first, or backwards, is transposed or
    turned round behind the loop.
    """
    written = 0
    for site in sites(graph, "Scan"):
        node = site.node
        body = node.attributes["body"].as_graph()
        states = len(node.inputs) - attribute(node, "num_scan_inputs", 0)
        ranks = [rank_of(value) for value in body.outputs[states:]]
        axes = _each(node, "scan_output_axes", len(ranks))
        if any(axis and rank is None for axis, rank in zip(axes, ranks, strict=True)):
            continue
        backwards = _each(node, "scan_output_directions", len(ranks))
        _write(site, body, states)
        for index, rank in enumerate(ranks):
            if axes[index] and rank is not None:
                order = list(range(1, rank + 1))
                order.insert(axis_of(axes[index], rank + 1), 0)
                site.follow("Transpose", output=states + index, perm=order)
            if backwards[index]:
                bounds = ((-1, "start"), (BEGIN, "end"), (0, "axes"), (-1, "steps"))
                operands = [site.ints([number], role) for number, role in bounds]
                site.follow("Slice", *operands, output=states + index)
        written += 1
    return written


def _each(node: ir.Node, name: str, count: int) -> Sequence[int]:
    default: tuple[int, ...] = (0,) * count
    return attribute(node, name, default)


def _write(site: Site, body: ir.Graph, states: int) -> None:
    """Give a Scan and its body the inputs and outputs of a Loop."""
    node = site.node
    data = [value for value in node.inputs[states:] if value is not None]
    axes = _each(node, "scan_input_axes", len(data))
    backwards = _each(node, "scan_input_directions", len(data))
    count = site.size(data[0], axes[0])
    counter, condition = turn_inputs(site)
    head: list[ir.Node] = []
    from_end = counter
    if any(backwards):
        one = site.constant(1, "one", ir.DataType.INT64)
        last = site.add("Sub", [count, one], dtype=ir.DataType.INT64)
        head.append(new_node(site, "Sub", [last, counter], "from_end", like=counter))
        from_end = head[-1].outputs[0]
    formals = list(body.inputs)
    for i, (formal, value) in enumerate(zip(formals[states:], data, strict=True)):
        inputs = [value, from_end if backwards[i] else counter]
        part = new_node(site, "Gather", inputs, "part", like=formal, axis=axes[i])
        formal.replace_all_uses_with(part.outputs[0], replace_graph_outputs=True)
        head.append(part)
    head.append(new_node(site, "Identity", [condition], "goes_on", like=condition))
    nodes = list(body)
    body.remove(nodes)
    body.extend([*head, *nodes])
    body.inputs.clear()
    body.inputs.extend([counter, condition, *formals[:states]])
    body.outputs.insert(0, head[-1].outputs[0])
    yes = site.constant(True, "condition", ir.DataType.BOOL)
    set_inputs(node, count, yes, *node.inputs[:states])
    held = node.attributes["body"]
    node.attributes.clear()
    node.attributes["body"] = held
    node.op_type = "Loop"
