"""What loops collect whose sizes are open."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ...compiler.ir.dialect import OPSET
from ...compiler.ir.graph import numpy_type, shape_of
from ...compiler.ir.sizes.analysis import around, known_shape
from ...compiler.ir.sizes.inference import analyse
from ...compiler.ir.trip_count import COUNTER, STATES, begins, stays
from ..base import graph_pass
from ..bodies import new_node
from ..rewrite import Site, add_initializer, set_inputs, sites, tensor_of
from ..shapes.infer_shapes import infer
from ..size_vectors import size_vector

INT64 = ir.DataType.INT64


@graph_pass(after=("type_bodies", "loop_scan"))
def lower_stacks(graph: ir.Graph) -> int:
    """Let a Loop of a given count put each turn's parts into zeros that it begins with.

    GRAPH mode of MindSpore 2.10 knows no lists that grow in a `while`. What is stacked has the
    sizes of the first turn's part, as all parts are alike; the emitter sees to those of known
    sizes.
    """
    lowered = 0
    for site in sites(graph, "Loop"):
        node = site.node
        body = node.attributes["body"].as_graph()
        parts = body.outputs[len(node.inputs) - STATES + 1 :]
        open_sizes = any(shape_of(part) is None for part in parts)
        if open_sizes and site[COUNTER] is not None and begins(node) and stays(body):
            lowered += _lower(site, body, parts)
    return lowered


def _lower(site: Site, body: ir.Graph, parts: Sequence[ir.Value]) -> bool:
    """Make states of all stacks of a loop, if their sizes are at hand before it."""
    states, count = len(body.inputs) - STATES, site[COUNTER]
    places = _places(site, body, states)
    if places is None:
        return False
    count = site.add("Reshape", [count, site.ints([1], "line")], dtype=INT64)
    corner, first = (
        add_initializer(body, site.name_for("axes"), tensor_of(np.array(axes, np.int64)))
        for axes in ([0, 1], [0])
    )
    stacks: list[ir.Value] = []
    for index, (part, place) in enumerate(zip(parts, places, strict=True), 1 + states):
        assert part.dtype is not None, "the caller has asked"
        shape = site.add("Concat", [count, place], axis=0, dtype=INT64)
        zero = tensor_of(np.zeros(1, numpy_type(part.dtype)))
        stacks.append(site.add("ConstantOfShape", [shape], value=zero, dtype=part.dtype))
        rank = len(part.shape or ()) + 1
        rows = ir.Value(name=site.fresh("rows"), type=part.type, shape=ir.Shape([None] * rank))
        turn = new_node(site, "Unsqueeze", [body.inputs[COUNTER], corner], "turn")
        row = new_node(site, "Unsqueeze", [part, first], "row")
        written = new_node(
            site, "ScatterND", [rows, turn.outputs[0], row.outputs[0]], "rows", like=rows
        )
        body.extend([turn, row, written])
        body.inputs.append(rows)
        body.outputs[index] = written.outputs[0]
    set_inputs(site.node, *site.node.inputs, *stacks)
    return True


def _places(site: Site, body: ir.Graph, states: int) -> list[ir.Value] | None:
    """Return the shape of each part in the first turn; None where one is not at hand."""
    trial = body.clone(allow_outer_scope_values=True)
    for formal, value in zip(trial.inputs[STATES:], site.node.inputs[STATES:], strict=True):
        formal.type, formal.shape = (None, None) if value is None else (value.type, value.shape)
    infer(trial, OPSET, data_prop=False)
    known = analyse(trial)
    parts = trial.outputs[1 + states :]
    if any(part.dtype is None for part in parts):
        return None
    sources = [*site.node.inputs[STATES:], *around(body)]
    given = [value for value in sources if value is not None and known_shape(value) is not None]
    places: list[ir.Value] = []
    for part in parts:
        shape = known.shape(part)
        place = None if shape is None else size_vector(site, shape, given)
        if place is None:
            return None
        places.append(place)
    return places
