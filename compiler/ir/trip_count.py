"""How often a Loop runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from .evaluate import EVALUATORS, CannotEvaluateError, evaluate, output_size
from .graph import Array, is_constant, operand, scalar, small_constant

MOST = 2**12
"""Turns in which a condition is followed that changes from turn to turn."""

SMALL = 64
"""Most elements of a value that is computed for a condition."""

COUNTER, CONDITION, STATES = 0, 1, 2
"""Inputs of a body: the number of the turn, the condition, then the states. Outputs of a body
begin with the condition."""


@dataclass(frozen=True)
class Course:
    """What the condition of a body is computed from.

    Attributes:
        body: The body.
        nodes: What computes the condition, in topological order.
        inputs: Inputs of the body that it depends on.
    """

    body: ir.Graph
    nodes: Sequence[ir.Node]
    inputs: frozenset[ir.Value]


def trip_count(node: ir.Node) -> int | None:
    """Return how often a Loop runs; None where that depends on data, or where it never ends."""
    body = node.attributes["body"].as_graph()
    bound, first = operand(node, 0), operand(node, 1)
    limit, go_on = scalar(bound), True if first is None else scalar(first)
    if (limit is not None and limit <= 0) or go_on is False:
        return 0
    course = _course(body)
    if course is None or go_on is None or (bound is not None and limit is None):
        return None
    values = _first_values(node, course)
    if values is None:
        return None
    changes = any(value is not body.inputs[CONDITION] for value in course.inputs)
    count = 0
    while limit is None or count < limit:
        if count == (MOST if changes else 1):
            return None if changes or limit is None else int(limit)
        if not _turn(course, values, count):
            return None
        count += 1
        if not values[body.inputs[CONDITION]].item():
            return count
    return count


def begins(node: ir.Node) -> bool:
    """Tell whether nothing but its count can keep a Loop from its first turn."""
    condition = operand(node, CONDITION)
    return condition is None or scalar(condition) is True


def stays(body: ir.Graph) -> bool:
    """Tell whether a body returns the condition that it was given, or one that is always true."""
    value: ir.Value | None = body.outputs[0]
    while value is not None and (maker := value.producer()) and maker.op_type == "Identity":
        value = maker.inputs[0]
    return value is body.inputs[CONDITION] or scalar(value) is True


def _course(body: ir.Graph) -> Course | None:
    """Return what computes the condition, if it can be told without data."""
    wanted: list[ir.Value] = [body.outputs[0]]
    nodes: set[ir.Node] = set()
    inputs: set[ir.Value] = set()
    while wanted:
        value = wanted.pop()
        maker = value.producer()
        if is_constant(value) or value in inputs or maker in nodes:
            continue
        if value in body.inputs:
            inputs.add(value)
            place = list(body.inputs).index(value)
            if place >= STATES:
                wanted.append(body.outputs[place - 1])
        elif maker is None or maker.graph is not body or not _is_computable(maker):
            return None
        else:
            nodes.add(maker)
            wanted += [item for item in maker.inputs if item is not None]
    return Course(body, [node for node in body if node in nodes], frozenset(inputs))


def _is_computable(node: ir.Node) -> bool:
    known = node.op_type in EVALUATORS or node.op_type == "Identity"
    return known and not node.domain and len(node.outputs) == 1


def _first_values(node: ir.Node, course: Course) -> dict[ir.Value, Array] | None:
    """Return the states that the condition depends on, as the loop is given them."""
    values: dict[ir.Value, Array] = {}
    for place, value in enumerate(course.body.inputs):
        if place < STATES or value not in course.inputs:
            continue
        given = operand(node, place)
        array = small_constant(given, SMALL)
        if array is None:
            return None
        values[value] = array
    return values


def _turn(course: Course, values: dict[ir.Value, Array], count: int) -> bool:
    """Compute the condition, and what it depends on, after a turn; tell whether one can."""
    body = course.body
    known = {**values, body.inputs[COUNTER]: np.asarray(count, np.int64)}
    known.setdefault(body.inputs[CONDITION], np.asarray(True))
    for node in course.nodes:
        operands = [None if value is None else _value(value, known) for value in node.inputs]
        if any(item is None for item, value in zip(operands, node.inputs, strict=True) if value):
            return False
        first = operands[0]
        try:
            if output_size(node, operands) > SMALL:
                return False
            result = first if node.op_type == "Identity" else evaluate(node, operands)
        except CannotEvaluateError:
            return False
        assert result is not None, "an Identity has an input"
        known[node.outputs[0]] = result
    after: dict[ir.Value, Array] = {}
    for place, value in enumerate(body.inputs):
        if place != COUNTER and (place == CONDITION or value in course.inputs):
            found = _value(body.outputs[max(place - 1, 0)], known)
            if found is None:
                return False
            after[value] = found
    values.clear()
    values.update(after)
    return True


def _value(value: ir.Value, known: dict[ir.Value, Array]) -> Array | None:
    """Return a value that was computed, or a constant of few elements."""
    if value in known:
        return known[value]
    return small_constant(value, SMALL)
