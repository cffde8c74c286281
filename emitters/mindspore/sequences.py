"""Chains become a SequentialCell, numbered children a CellList."""

from .cells import Cell
from .naming import unique


def make_sequence(cell: Cell) -> None:
    """Turn a chain of numbered modules into children 0, 1, 2 … without gaps.

    Activations among them become layers. Modules that exporters folded away leave gaps in
    PyTorch's numbering; a SequentialCell numbers its cells anew.
    """
    names = [step.child or step.module for step in cell.steps]
    numbered = all(name.isdigit() for name in names)
    if not numbered or cell.own or not cell.is_chain:
        name_plainly(cell)
        return
    if any(step.code is not None and step.code.cell is None for step in cell.steps):
        name_plainly(cell)
        return
    children: dict[str, Cell] = {}
    for index, step in enumerate(cell.steps):
        if step.code is not None:
            layer = step.code.cell
            child = Cell("", layer=layer, inputs=cell.inputs[:1], outputs=step.outputs)
        else:
            child = cell.children[step.child]
        step.code, step.child = None, str(index)
        children[step.child] = child
    cell.children = children


def nameless(cell: Cell, word: str) -> str:
    """Return a name for a layer of which the file tells none, until all of them are known."""
    return f"{word}?{len(cell.children)}"


def name_nameless(cell: Cell) -> None:
    """Name layers of which the file tells no name: `conv` for one, `conv1`, `conv2` for more."""
    waiting = [name for name in cell.children if "?" in name]
    words = [name.partition("?")[0] for name in waiting]
    names = {name: name for name in cell.children}
    for i, (name, word) in enumerate(zip(waiting, words, strict=True)):
        wish = word if words.count(word) == 1 else f"{word}{words[: i + 1].count(word)}"
        names[name] = unique(wish, {*names.values(), *cell.own})
    rename(cell, names)


def name_plainly(cell: Cell) -> None:
    """Give children that are only numbered a name that an attribute can bear."""
    names = {name: f"layer_{name}" if name.isdigit() else name for name in cell.children}
    rename(cell, names)


def number_lists(cell: Cell) -> None:
    """Number the elements of each list 0, 1, 2 … in the order of their old numbers."""
    names = {name: name for name in cell.children}
    lists: dict[str, list[int]] = {}
    for name in cell.children:
        head, dot, index = name.rpartition(".")
        if dot:
            lists.setdefault(head, []).append(int(index))
    for head, indices in lists.items():
        for new, old in enumerate(sorted(indices)):
            names[f"{head}.{old}"] = f"{head}.{new}"
    rename(cell, names)


def rename(cell: Cell, names: dict[str, str]) -> None:
    """Rename children and their calls."""
    cell.children = {names[name]: child for name, child in cell.children.items()}
    for step in cell.steps:
        step.child = names.get(step.child, step.child)
