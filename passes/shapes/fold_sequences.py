"""Sequences of tensors of which it is known what they hold."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import onnx_ir as ir

from ...compiler.ir.graph import attribute, integers, operand, rank_of, scalar
from ..base import graph_pass
from ..bodies import lift_body_constants, splice_copy
from ..rewrite import Names, Site

Held: TypeAlias = list[ir.Value]
Reading: TypeAlias = "Callable[[Site, Held], ir.Value | None]"

MOST = 256
"""Most parts that a tensor is split into."""


@graph_pass(after=("unroll_loop",))
def fold_sequences(graph: ir.Graph) -> int:
    """Let what reads a sequence of known tensors read these.

    A list that a loop fills is one as soon as the loop is unrolled. SequenceAt becomes the element,
    SequenceLength a number, ConcatFromSequence a Concat; the body of a SequenceMap is written for
    each element.
    """
    folded = 0
    names = Names(graph)
    held: dict[ir.Value, Held] = {}
    for node in list(graph):
        if node.domain:
            continue
        site = Site(node, names)
        reading = READINGS.get(node.op_type)
        source = operand(node, 0)
        if node.op_type == "SequenceMap":
            folded += _map(site, held)
        elif reading is None:
            if any(value.uses() for value in node.outputs):
                found = _made(site, held)
                if found is not None:
                    held[node.outputs[0]] = found
        elif source is not None and source in held:
            result = reading(site, held[source])
            if result is not None:
                # it may be a value that has a name of its own: a node takes over that of the result
                site.replace(site.add("Identity", [result]))
                folded += 1
    return folded


def _made(site: Site, held: dict[ir.Value, Held]) -> Held | None:
    """Return what a sequence holds that a node makes; None if it is none, or not known."""
    node = site.node
    before = held.get(node.inputs[0]) if node.inputs and node.inputs[0] is not None else None
    match node.op_type:
        case "SequenceEmpty":
            return []
        case "SequenceConstruct":
            return [value for value in node.inputs if value is not None]
        case "SplitToSequence" if _is_wanted(node.outputs[0]):
            return _parts(site)
        case "Identity":
            return before
        case "SequenceInsert" if before is not None and node.inputs[1] is not None:
            place = _place(operand(node, 2), len(before), len(before))
            return None if place is None else [*before[:place], node.inputs[1], *before[place:]]
        case "SequenceErase" if before:
            place = _place(operand(node, 1), len(before), len(before) - 1)
            return None if place is None else [*before[:place], *before[place + 1 :]]
        case _:
            return None


def _map(site: Site, held: dict[ir.Value, Held]) -> bool:
    """Write the body of a SequenceMap for each element; tell whether they are known."""
    node = site.node
    inputs = [value for value in node.inputs if value is not None]
    body, first = node.attributes["body"].as_graph(), held.get(inputs[0])
    known = all(value in held or isinstance(value.type, ir.TensorType) for value in inputs)
    readers = [reader for value in node.outputs for reader in value.consumers()]
    returned = any(value.is_graph_output() for value in node.outputs)
    wanted = bool(readers) and not returned and all(map(_is_folded, readers))
    if first is None or not known or not wanted or len(first) > MOST:
        return False
    lift_body_constants(site, body)
    results = [
        splice_copy(site, body, [held[value][i] if value in held else value for value in inputs])
        for i in range(len(first))
    ]
    held.update({out: [r[k] for r in results] for k, out in enumerate(node.outputs)})
    return True


def _is_wanted(value: ir.Value) -> bool:
    """Tell whether something that reads a sequence will be folded, at once or further on."""
    return any(map(_is_folded, value.consumers()))


def _is_folded(node: ir.Node) -> bool:
    """Tell whether a reader of a known sequence is folded, or keeps it for one that is."""
    place = operand(node, PLACES.get(node.op_type, len(node.inputs)))
    known = place is None or scalar(place) is not None
    kept = node.op_type in KEEPING and _is_wanted(node.outputs[0])
    return known and (node.op_type in READINGS or kept)


def _place(value: ir.Value | None, length: int, default: int) -> int | None:
    """Return a place in a list of a length; negative ones are counted from the end."""
    if value is None:
        return default
    number = scalar(value)
    return None if number is None else int(number) + (length if number < 0 else 0)


def _parts(site: Site) -> Held | None:
    """Return the parts of a tensor that is split along an axis of known size."""
    node, source = site.node, site[0]
    shape, axis = source.shape if source is not None else None, attribute(node, "axis", 0)
    size = shape[axis] if shape is not None else None
    sizes = integers(site[1])
    if source is None or not isinstance(size, int) or (site[1] is not None and sizes is None):
        return None
    if sizes is None or not rank_of(site[1]):
        chunk = 1 if sizes is None else sizes[0]
        if not chunk > 0 or size // chunk > MOST:
            return None
        sizes = (*(chunk for _ in range(size // chunk)), *([size % chunk] if size % chunk else []))
    if not 0 < len(sizes) <= MOST:
        return None
    if len(sizes) == 1:
        parts = [source]
    else:
        split = ir.node(
            "Split",
            [source, site.ints(sizes, "sizes")],
            {"axis": axis},
            outputs=[ir.Value(name=site.name_for("part")) for _ in sizes],
            name=site.fresh(f"{node.name}/Split"),
        )
        site.insert([split])
        parts = list(split.outputs)
    if site[1] is not None or attribute(node, "keepdims", 1):
        return parts
    return [site.add("Squeeze", [part, site.ints([axis], "axis")]) for part in parts]


def _at(site: Site, held: Held) -> ir.Value | None:
    place = _place(site[1], len(held), 0)
    return held[place] if place is not None and 0 <= place < len(held) else None


def _length(site: Site, held: Held) -> ir.Value | None:
    return site.constant(len(held), "length", ir.DataType.INT64)


def _concat(site: Site, held: Held) -> ir.Value | None:
    """Return the elements joined along an axis, which may be a new one."""
    axis, parts = attribute(site.node, "axis", 0), held
    if not parts:
        return None
    if attribute(site.node, "new_axis", 0):
        parts = [site.add("Unsqueeze", [part, site.ints([axis], "axis")]) for part in held]
    return parts[0] if len(parts) == 1 else site.add("Concat", parts, axis=axis)


READINGS: dict[str, Reading] = {
    "ConcatFromSequence": _concat,
    "SequenceAt": _at,
    "SequenceLength": _length,
}
"""What makes a tensor of a sequence, by operator."""

KEEPING: Sequence[str] = ("Identity", "SequenceErase", "SequenceInsert")
"""What makes a sequence of one."""

PLACES = {"SequenceAt": 1, "SequenceErase": 1, "SequenceInsert": 2}
"""Which input tells a place in the sequence."""
