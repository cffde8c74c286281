"""Control flow: Python's own, around cells for the bodies."""

import onnx_ir as ir

from ....compiler.ir import graph as ask
from ....compiler.ir.trip_count import CONDITION, COUNTER, STATES, begins, stays
from ..closures import captured
from ..code import Body, Choice, Code, Repetition, Stack, Turns
from ..nodes import emit_graph
from ..registry import CannotEmit, Op, emits

FOR_EVER = 2**62
"""So many turns are no bound: exporters write the largest integer for `while`."""


@emits("If")
def choose(op: Op) -> Code:
    """If-25: `self.then_branch(x) if condition else self.else_branch(x)`."""
    return Choice(op[0], body_of(op, "then_branch"), body_of(op, "else_branch"))


@emits("Loop")
def repeat(op: Op) -> Code:
    """Loop-25: `while turn < count and go_on:`; what it stacks needs a count or PYNATIVE mode."""
    body = op.node.attributes["body"].as_graph()
    states = len(body.inputs) - STATES - len(captured(body))
    count = ask.scalar(ask.operand(op.node, 0))
    bounded, conditional = op.has(0) and count is None, not begins(op.node)
    decides = not stays(body)
    stacks = tuple(stack(value) for value in body.outputs[1 + states :])
    if not decides:
        body.outputs.pop(0)
    return_sources(body)
    counts, asks = (is_read(body.inputs[place]) for place in (COUNTER, CONDITION))
    for place, read in ((CONDITION, asks), (COUNTER, counts)):
        if not read:
            body.inputs.pop(place)
    turns = Turns(
        limit=int(count) if count is not None and count < FOR_EVER else None,
        bounded=bounded,
        conditional=conditional,
        decides=decides,
        counts=counts,
        asks=asks,
        states=states,
        stacks=stacks,
    )
    given = [op[place] for place, wanted in ((0, bounded), (1, conditional)) if wanted]
    given += [op[place] for place in range(STATES, STATES + states)]
    return Repetition(turns, tuple(given), body_of(op, "body"))


def body_of(op: Op, name: str) -> Body:
    """Return a body with the code of all its nodes."""
    graph = op.node.attributes[name].as_graph()
    return_sources(graph)
    codes, known = emit_graph(graph, "a body", op.table)
    return Body(graph, codes, known, tuple(op[place] for place in captured(graph)))


def is_read(value: ir.Value) -> bool:
    """Tell whether something in a body, or around it, reads its input."""
    return bool(value.uses()) or value.is_graph_output()


def return_sources(body: ir.Graph) -> None:
    """Let a body return what it gives another name, and compute nothing that it does not return.

    A graph of ONNX needs an Identity to return its input, or the same value twice.
    """
    for index, value in enumerate(body.outputs):
        maker = value.producer()
        while maker is not None and maker.op_type == "Identity" and not maker.domain:
            source = maker.inputs[0]
            if source is None or ask.is_constant(source):
                break
            body.outputs[index] = source
            maker = source.producer()
    for node in reversed(body):
        if not any(map(is_read, node.outputs)):
            body.remove(node, safe=True)


def stack(value: ir.Value) -> Stack:
    """Return what a loop collects."""
    if value.dtype is None:
        raise CannotEmit("the element type of what it stacks is not known")
    if value.shape is None:
        return Stack(None, value.dtype)
    sizes = tuple(size if isinstance(size, int) else None for size in value.shape)
    return Stack(sizes, value.dtype)
