"""Calls in a row of the elements of a list become one loop over a CellList."""

import re

from .cells import Cell, Own, Step

FEWEST = 3
"""So many layers that each read all that came before are written as a loop."""

CHAIN, GROWING = "chain", "growing"


def make_loop(cell: Cell) -> None:
    """Turn a module that hands one value through its numbered children into a list."""
    names = [step.child for step in cell.steps]
    numbered = names == [str(i) for i in range(len(names))] and list(cell.children) == names
    sized = any(step.sizes for step in cell.steps)
    if numbered and len(names) > 1 and not cell.is_sequence and not cell.own and not sized:
        position = hands_on(cell, cell.steps)
        if position is not None and cell.outputs == cell.steps[-1].outputs and not cell.packed:
            cell.inputs = [o for o in cell.steps[0].operands if not isinstance(o, Own)]
            cell.loop = CHAIN


def fold_chains(cell: Cell) -> None:
    """Make a loop of calls that hand one value through all elements of a list.

    What else they are called with must be the same in each call.
    """
    heads = dict.fromkeys(name.rpartition(".")[0] for name in cell.children if "." in name)
    for head in heads:
        calls = [step for step in cell.steps if step.child.rpartition(".")[0] == head]
        names = [f"{head}.{i}" for i in range(len(calls))]
        in_order = [step.child for step in calls] == names
        if in_order and len(calls) > 1 and hands_on(cell, calls) is not None:
            fold(cell, head, calls, Cell("", loop=CHAIN))


def hands_on(cell: Cell, calls: list[Step]) -> int | None:
    """Return which operand of each call is the result of the one before, or None."""
    first = calls[0]
    for position in range(len(first.operands)):
        before = first.operands[position]
        for step in calls:
            if step.sizes != first.sizes:
                return None
            expected = [*first.operands]
            expected[position] = before
            child = cell.children.get(step.child)
            formed = child is not None and child.layer is not None and any(child.layer.form)
            if step.operands != expected or len(step.outputs) != 1 or formed:
                break
            before = step.outputs[0]
        else:
            passed = {step.outputs[0] for step in calls[:-1]}
            others = [step for step in cell.steps if step not in calls]
            read = {operand for step in others for operand in step.operands} | {*cell.outputs}
            return None if passed & read else position
    return None


def fold_growing(cell: Cell) -> None:
    """Make a loop of layers that each read the input and all results before, as in DenseNet.

    Source: Huang et al., Densely Connected Convolutional Networks, 2016.
    """
    last = cell.steps[-1]
    if last.node.op_type != "Concat" or last.outputs != cell.outputs or len(cell.inputs) != 1:
        return
    features: list[object] = list(cell.inputs)
    calls = cell.steps[:-1]
    for step in calls:
        child = cell.children.get(step.child)
        if child is None or child.layer is not None or step.operands != features or step.sizes:
            return
        features += step.outputs
    if last.operands != features or len(calls) < FEWEST:
        return
    stems = {re.sub(r"[\d_]+$", "", step.child.rpartition(".")[0] or step.child) for step in calls}
    stem = stems.pop() if len(stems) == 1 else "layer"
    head = stem if stem.endswith("s") else f"{stem}s"
    fold(cell, head, cell.steps[:], Cell("", loop=GROWING))


def fold(cell: Cell, head: str, steps: list[Step], loop: Cell) -> None:
    """Put steps into a child that stands for the list and its loop."""
    calls = [step for step in steps if step.child]
    loop.inputs = [operand for operand in calls[0].operands if not isinstance(operand, Own)]
    loop.outputs = steps[-1].outputs
    loop.steps = steps
    first, last = calls[0], steps[-1]
    call = Step(list(first.operands), last.outputs, last.node, child=head, sizes=first.sizes)
    place = cell.steps.index(calls[-1])
    cell.steps = [
        call if i == place else step
        for i, step in enumerate(cell.steps)
        if i == place or step not in steps
    ]
    for index, step in enumerate(calls):
        loop.children[str(index)] = cell.children.pop(step.child)
        step.child = str(index)
    cell.children[head] = loop
