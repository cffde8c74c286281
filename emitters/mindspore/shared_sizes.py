"""Sizes that `construct` computes more than once: computed once, and named for what they are."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from .code import Host
from .construct import Construct, Tree
from .host import references

WORTH = 2
"""So many operations must a name save."""


def shared_sizes(trees: Iterable[Tree]) -> list[Host]:
    """Return the sizes that deserve a name, each behind those that it is computed from.

    Args:
        trees: What the statements of one class hold as settings; those in which objects differ
            are no `Host` any more, and keep their place.
    """
    roots = [host for tree in trees for host in _outermost(tree)]
    named: list[Host] = []
    while True:
        counts = Counter(host for root in roots for host in _parts(root, named, itself=True))
        for host in named:
            counts.update(_parts(host, named, itself=False))
        worthy = [
            host
            for host, count in counts.items()
            if host not in named and operations(host) * (count - 1) >= WORTH
        ]
        if not worthy:
            return sorted(named, key=operations)
        named.append(max(worthy, key=operations))


def operations(host: Host) -> int:
    """Return how many operations a size is computed by."""
    inside = sum(operations(part) for part in host.parts if isinstance(part, Host))
    return inside + max(len(host.parts) - 1, 0)


def size_word(host: Host, names: Mapping[str, str]) -> str:
    """Return what a person calls a computed size.

    Args:
        host: The size.
        names: Name of each size of an input, and of each that is handed over.
    """
    leaves = list(dict.fromkeys(names[leaf] for leaf in references(host)))
    if len(leaves) > 1:
        return "area" if {"height", "width"} <= set(leaves) else "_".join(leaves[:2])
    (leaf,) = leaves
    match host.function, host.parts:
        case "//", (_, 2):
            return f"half_{leaf}"
        case "//", _:
            return f"{leaf}_blocks"
        case "%", (Host("*", (-1, *_)), _):
            return f"{leaf}_padding"
        case "%", _:
            return f"{leaf}_rest"
        case "*", (int(number), Host("//", (_, divisor))) if number == divisor:
            return f"padded_{leaf}"
        case _:
            return f"{leaf}_size"


def _outermost(tree: Tree) -> Iterator[Host]:
    """Yield the computed sizes in a tree that stand in no other."""
    if isinstance(tree, Host):
        yield tree
    elif isinstance(tree, tuple):
        for item in tree:
            yield from _outermost(item)
    elif isinstance(tree, Construct):
        for _, argument in tree.arguments:
            yield from _outermost(argument)


def _parts(host: Host, named: Collection[Host], *, itself: bool) -> Iterator[Host]:
    """Yield the computed sizes in one; what has a name is not looked into."""
    if itself:
        if not host.parts:
            return
        yield host
        if host in named:
            return
    for part in host.parts:
        if isinstance(part, Host):
            yield from _parts(part, named, itself=True)
