"""Telling whether one cell computes what another does, but for numbers and optional parts."""

from collections.abc import Callable, Sequence

import onnx_ir as ir

from .cells import Cell, Operand, Own, Step
from .host import refers

SameKind = Callable[[Cell, Cell], bool]
Alignment = list[Step | None]
"""For each step of the template the step of the other cell; None where it has none."""


def match(template: Cell, cell: Cell, same_kind: SameKind) -> Alignment | None:
    """Return how the steps of a cell answer to those of a template, or None if they do not.

    The template may do what the cell does not, if the value can be passed on instead: call a
    child of one input, add the cell's input, apply a function. Numbers (settings, arguments of
    layers) are not compared.

    Args:
        template: The cell that has every step.
        cell: The cell that has all of them or fewer.
        same_kind: Tells whether two children can be objects of one class.
    """
    if len(template.inputs) != len(cell.inputs) or len(template.outputs) != len(cell.outputs):
        return None
    if len(template.sizes) != len(cell.sizes):
        return None
    if list(template.own) != list(cell.own) or other_packing(template, cell):
        return None
    same: dict[Operand, Operand] = dict(zip(template.inputs, cell.inputs, strict=True))
    same.update({Own(name): Own(name) for name in cell.own})
    alignment: Alignment = []
    rest = iter(cell.steps)
    step = next(rest, None)
    for ours in template.steps:
        if (
            step is not None
            and alike(ours, step, same)
            and kinds(template, ours, cell, step, same_kind)
        ):
            same.update(zip(ours.outputs, step.outputs, strict=True))
            alignment.append(step)
            step = next(rest, None)
        elif (passed := passed_on(ours, template)) is not None and ours.child not in cell.children:
            same[ours.outputs[0]] = same[passed]
            alignment.append(None)
        else:
            return None
    complete = step is None and translated(template.outputs, same) == list(cell.outputs)
    return alignment if complete else None


def other_packing(one: Cell, other: Cell) -> bool:
    """Tell whether two cells join their arguments along different axes."""
    axes = [cell.packed.code.settings for cell in (one, other) if cell.packed and cell.packed.code]
    return len(axes) == 2 and axes[0] != axes[1]


def alike(ours: Step, other: Step, same: dict[Operand, Operand]) -> bool:
    """Tell whether two steps are the same operator or call, on the same values."""
    if ours.child != other.child or len(ours.outputs) != len(other.outputs):
        return False
    if (ours.code is None) != (other.code is None) or ours.turns != other.turns:
        return False
    if (
        ours.code is not None
        and other.code is not None
        and (
            ours.code.template != other.code.template
            or list(ours.code.settings) != list(other.code.settings)
        )
    ):
        return False
    if refers(ours) != refers(other):
        return False
    return translated(ours.operands, same) == list(other.operands)


def kinds(template: Cell, ours: Step, cell: Cell, other: Step, same_kind: SameKind) -> bool:
    """Tell whether the children that two steps call can be objects of one class."""
    if not ours.child:
        return True
    return same_kind(template.children[ours.child], cell.children[other.child])


def passed_on(step: Step, cell: Cell) -> Operand | None:
    """Return the operand that takes the place of a step's result where an object lacks the step.

    None: no object of the class can lack it.
    """
    values = [operand for operand in step.operands if isinstance(operand, ir.Value)]
    child = cell.children.get(step.child)
    element = "." in step.child or step.child.isdigit() or bool(child and child.loop)
    element = element or step.turns is not None
    if len(step.outputs) != 1 or element:
        return None
    if step.code is not None and len(step.operands) == 1:
        return step.operands[0]
    if len(values) != len(step.operands):
        return None
    if len(values) == 1:
        return values[0]
    if step.node.op_type == "Add" and len(values) == 2 and step.code is not None:
        branch = [value for value in values if value not in cell.inputs]
        return branch[0] if len(branch) == 1 else None
    return None


def translated(operands: Sequence[Operand], same: dict[Operand, Operand]) -> list[Operand | None]:
    """Return the other cell's operands that answer to the template's."""
    return [same.get(operand) for operand in operands]
