"""Bodies of control flow read the graph around them through inputs of their own.

So a body is a graph that stands alone, and becomes a cell that is called with what it reads. This
is lambda lifting (Johnsson: Lambda Lifting, 1985).
"""

import json
import re
from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.graph import bodies, is_constant
from ...compiler.ir.trip_count import CONDITION, COUNTER
from .words_of_values import WORDS

CAPTURED = "onnx2ms.captured"
"""Under which a body's metadata tell which inputs of its node its last inputs are."""


def has_bodies(graph: ir.Graph) -> bool:
    """Tell whether some node of a graph holds a graph."""
    return any(any(True for _ in bodies(node)) for node in graph)


def captured(body: ir.Graph) -> Sequence[int]:
    """Return which inputs of its node a body reads by its own last inputs."""
    found: list[int] = json.loads(body.metadata_props.get(CAPTURED, "[]"))
    return found


def close(graph: ir.Graph) -> None:
    """Give every body of a graph, at any depth, what it reads of the graphs around as inputs.

    The node that holds the body gets them as further inputs. Constants stay where they are. The
    sizes of a body are those of its own inputs: no symbol of the graph around is left in it.
    """
    for node in graph:
        for body in bodies(node):
            close(body)
            _name_inputs(body)
            _lift(node, body)
            _forget_sizes(body)


def _lift(node: ir.Node, body: ir.Graph) -> None:
    read = [value for inner in body for value in inner.inputs if value is not None]
    outer = [value for value in (*read, *body.outputs) if _is_outer(value, body)]
    places: list[int] = []
    for value in dict.fromkeys(outer):
        formal = ir.Value(name=_word(value), type=value.type, shape=value.shape)
        body.inputs.append(formal)
        for inner, index in tuple(value.uses()):
            if inner.graph is body:
                inner.replace_input_with(index, formal)
        for index, result in enumerate(body.outputs):
            if result is value:
                body.outputs[index] = formal
        if value not in node.inputs:
            node.resize_inputs(len(node.inputs) + 1)
            node.replace_input_with(len(node.inputs) - 1, value)
        places.append(list(node.inputs).index(value))
    body.metadata_props[CAPTURED] = json.dumps(places)


def _name_inputs(body: ir.Graph) -> None:
    """Call the inputs of a Loop's body as a person would; the file's names hold paths and numbers.

    An If has none.
    """
    for place, value in enumerate(body.inputs):
        word = re.match(r"[A-Za-z][A-Za-z_]{0,15}(?=[.\d]*$)", value.name or "")
        usual = {COUNTER: "turn", CONDITION: "go_on"}.get(place)
        value.name = usual or (word[0].strip("_") if word else "x")


def _is_outer(value: ir.Value, body: ir.Graph) -> bool:
    return not is_constant(value) and value.graph is not body


def _word(value: ir.Value) -> str:
    """Return what a body calls a value of the graph around it."""
    maker = value.producer()
    if maker is not None:
        return WORDS.get(maker.op_type, "x")
    plain = re.match(r"[A-Za-z_]\w*$", value.name or "")
    return plain[0] if plain else "x"


def _forget_sizes(body: ir.Graph) -> None:
    """Give the open sizes of a body's inputs names of their own, and those of all else none."""
    names: dict[str, str] = {}
    for value in body.inputs:
        if value.shape is not None:
            value.shape = ir.Shape([_renamed(size, names) for size in value.shape])
    for node in body:
        for value in node.outputs:
            if value.shape is not None:
                value.shape = ir.Shape(
                    [size if isinstance(size, int) else None for size in value.shape]
                )


def _renamed(size: int | ir.SymbolicDim, names: dict[str, str]) -> int | str | None:
    if isinstance(size, int) or size.value is None:
        return size if isinstance(size, int) else None
    name = size.value if size.value.isidentifier() else f"size{len(names) + 1}"
    return names.setdefault(size.value, name)
