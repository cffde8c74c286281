"""The source map: where each value of the graph is computed in the generated module."""

from collections.abc import Iterator
from dataclasses import dataclass

import onnx_ir as ir

from ...compiler.ir.graph import bodies
from ..base import Place
from .cells import Cell, Step
from .classes import ELEMENTS, ClassDefinition
from .layout import Span, mark

SEQUENCE = "nn.SequentialCell"


@dataclass(frozen=True)
class Marked:
    """An expression whose place in the source is wanted.

    Attributes:
        definition: Class in which it stands.
        what: Step that it computes, or the field whose SequentialCell it constructs.
        local: Variable that holds its result, empty where it is part of a larger expression.
    """

    definition: ClassDefinition
    what: Step | str
    local: str = ""


class Marks:
    """Marks expressions while they are written, and tells afterwards where they came to stand."""

    def __init__(self) -> None:
        self._marked: list[Marked] = []

    def add(self, text: str, marked: Marked) -> str:
        """Return an expression enclosed in marks."""
        self._marked.append(marked)
        return mark(len(self._marked) - 1, text)

    def places(self, spans: dict[int, Span], graph: ir.Graph) -> list[Place]:
        """Return where each value is computed, in the graph's order."""
        places: list[Place] = []
        for number, marked in enumerate(self._marked):
            for cell, alignment in marked.definition.cluster.members.items():
                if isinstance(marked.what, str):
                    places += sequence_places(cell, marked.what, spans[number])
                    continue
                cluster = marked.definition.cluster
                if marked.what is cluster.packed:
                    step = cell.packed
                else:
                    step = alignment[cluster.template.steps.index(marked.what)]
                name = marked.definition.name
                loop = cell.children.get(step.child) if step else None
                if loop is not None and loop.loop:
                    places += loop_places(cell, loop, marked, spans[number])
                elif step is not None:
                    places += step_places(name, cell.path, step, marked.local, spans[number])
        position = {node.name: i for i, node in enumerate(nodes_within(graph))}
        return sorted(places, key=lambda place: position[place.node])


def nodes_within(graph: ir.Graph) -> Iterator[ir.Node]:
    """Yield the nodes of a graph, each behind those of the graphs that it holds."""
    for node in graph:
        for body in bodies(node):
            yield from nodes_within(body)
        yield node


def step_places(class_name: str, path: str, step: Step, local: str, span: Span) -> list[Place]:
    """Return the place of each value that a step makes."""
    return [
        Place(
            value=value.name or "",
            node=step.node.name or "",
            class_name=class_name,
            path=path,
            local=local,
            line=span.line,
            column=span.column,
            end_line=span.end_line,
            end_column=span.end_column,
        )
        for value in step.outputs
    ]


def loop_places(cell: Cell, loop: Cell, marked: Marked, span: Span) -> list[Place]:
    """Return the places of what a loop over a list computes itself.

    Its call of the elements stands for those that are layers, its Concat for the result.
    """
    if marked.local:
        return step_places(marked.definition.name, cell.path, loop.steps[-1], marked.local, span)
    return element_places(loop, span)


def element_places(cell: Cell, span: Span) -> list[Place]:
    """Return the places of the layers that a sequence or list calls, by their own paths."""
    return [
        place
        for step in cell.steps
        if step.child and cell.children[step.child].layer is not None
        for place in step_places(SEQUENCE, cell.children[step.child].path, step, "", span)
    ]


def sequence_places(cell: Cell, field: str, span: Span) -> list[Place]:
    """Return the places of layers that a SequentialCell calls: where that is constructed."""
    if field == ELEMENTS:
        sequences = [cell, *(s for child in cell.children.values() for s in inline(child))]
    else:
        held = [c for name, c in cell.children.items() if name.partition(".")[0] == field]
        sequences = [s for child in held for s in inline(child)]
    return [place for sequence in sequences for place in element_places(sequence, span)]


def inline(cell: Cell) -> list[Cell]:
    """Return a SequentialCell without a class and those directly inside it."""
    if not cell.is_inline:
        return []
    return [cell, *(inner for child in cell.children.values() for inner in inline(child))]
