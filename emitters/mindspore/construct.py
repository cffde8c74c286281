"""How the objects of the network are constructed, and what is common to several of them."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import TypeAlias

from .code import Host, Layer, Literal, Symbol


class Absent:
    """In place of a child that an object does without."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@dataclass(frozen=True)
class Variable:
    """What differs between objects of one class: an argument of its constructor."""

    index: int


@dataclass(frozen=True)
class Construct:
    """A call that makes an object.

    Attributes:
        function: `nn.Conv2d`, or the index of one of our classes.
        arguments: Name and value; the elements of a sequence have the name "".
        layer: The layer, which knows its defaults; None otherwise.
    """

    function: str | int
    arguments: tuple[tuple[str, "Tree"], ...]
    layer: Layer | None = field(default=None, compare=False, hash=False)


Tree: TypeAlias = Literal | Symbol | Construct | Variable | Absent


TUPLE = "tuple"
"""Function of the construct that stands for a tuple of whole numbers that differ by object."""

HOST = "host "
"""What the function of a construct begins with that stands for a `Host`."""

NAMED = "named "
"""What the function of a SequentialCell begins with whose cells have names; their stem follows."""

PARTS = {"shape": "size", "normalized_shape": "channels", "axes": "axis"}
"""What one number is called of a tuple that is called so."""


PROGRESSION = 3
"""So many elements whose numbers grow evenly are written as a comprehension."""


@dataclass(frozen=True)
class Hint:
    """Where a variable occurs: which field of the class, and which argument there.

    Attributes:
        field: The field; empty for what `construct` reads.
        argument: The argument.
        words: Where it is a shape, what the sizes in it are called, "" for those without a word.
    """

    field: str
    argument: str
    words: tuple[str, ...] = ()


@dataclass(eq=False)
class Variation:
    """A variable of a class: its value in each member, and where it occurs."""

    values: tuple[Tree, ...]
    hints: list[Hint] = field(default_factory=list[Hint])

    @property
    def is_cell(self) -> bool:
        """Whether it is a child cell that the constructor is given."""
        return any(isinstance(value, Construct | Absent) for value in self.values)


class Generalization:
    """Anti-unification: one tree with variables that stands for the trees of all members.

    Source: G. Plotkin, A Note on Inductive Generalization, 1970. Places whose values are the
    same in every member share a variable.
    """

    def __init__(self) -> None:
        self.variations: list[Variation] = []
        self._index: dict[Hashable, int] = {}

    def of(self, trees: Sequence[Tree], hint: Hint) -> Tree:
        """Return the tree that stands for one place of all members."""
        first = trees[0]
        if all(same(tree, first) for tree in trees):
            return first
        constructs = [opened(tree) for tree in trees]
        known = [tree for tree in constructs if tree is not None]
        if len(known) == len(trees) and len({shape(tree) for tree in known}) == 1:
            return self._inside(known, hint)
        return self._variable(trees, hint)

    def _inside(self, constructs: Sequence[Construct], hint: Hint) -> Construct:
        first = constructs[0]
        host = isinstance(first.function, str) and first.function.startswith(HOST)
        around = host or first.function in ("arithmetic", TUPLE)  # parts of the argument around
        word = PARTS.get(hint.argument, hint.argument)
        unnamed = "shape" if first.function == "initializer" else ""
        words = hint.words if first.function == TUPLE else ()
        arguments = tuple(
            (
                name,
                self.of(
                    [c.arguments[i][1] for c in constructs],
                    Hint(
                        hint.field,
                        (words[i] if i < len(words) else "")
                        or (word if around else name or unnamed),
                        () if words else hint.words,
                    ),
                ),
            )
            for i, (name, _) in enumerate(first.arguments)
        )
        return Construct(first.function, arguments, first.layer)

    def _variable(self, trees: Sequence[Tree], hint: Hint) -> Variable:
        values = tuple((type(tree), tree) for tree in trees)
        objects = any(isinstance(tree, Construct) for tree in trees)
        # two fields that hold equal layers hold two layers: one argument each
        key = (values, hint if objects else None)
        index = self._index.setdefault(key, len(self.variations))
        if index == len(self.variations):
            self.variations.append(Variation(tuple(trees)))
        self.variations[index].hints.append(hint)
        return Variable(index)


def sequence(function: str, elements: Sequence["Tree"]) -> Construct:
    """Return a SequentialCell or CellList.

    Elements that are equal in a row are a `repeat`; if all are alike but for numbers that grow
    evenly, they are a `progression`.
    """
    if len(elements) >= PROGRESSION and (element := progression(elements)) is not None:
        depth = ("depth", len(elements))
        return Construct(function, (("", Construct("progression", (("element", element), depth))),))
    if function.startswith(NAMED) and len(set(elements)) > 1:
        return Construct(function, tuple(("", element) for element in elements))
    runs = [(element, len(list(group))) for element, group in groupby(elements)]
    repeats = [Construct("repeat", (("element", e), ("depth", n))) for e, n in runs]
    return Construct(function, tuple(("", repeat) for repeat in repeats))


def progression(trees: Sequence["Tree"]) -> "Tree | None":
    """Return the tree whose numbers are `start + step * i`, or None where trees differ otherwise.

    None too where all are equal, which is a repeat.
    """
    found = evenly(trees)
    return found if found is not None and found != trees[0] else None


def evenly(trees: Sequence["Tree"]) -> "Tree | None":
    """Return the tree that gives every element by its index, or None."""
    first = trees[0]
    if all(same(tree, first) for tree in trees):
        return first
    if all(type(tree) is int for tree in trees):
        whole = [tree for tree in trees if isinstance(tree, int)]
        step = whole[1] - whole[0]
        even = all(b - a == step for a, b in pairwise(whole))
        return Construct("arithmetic", (("start", whole[0]), ("step", step))) if even else None
    constructs = [tree for tree in trees if isinstance(tree, Construct)]
    if len(constructs) != len(trees) or len({shape(tree) for tree in constructs}) > 1:
        return None
    arguments: list[tuple[str, Tree]] = []
    for i, (name, value) in enumerate(constructs[0].arguments):
        inner = evenly([tree.arguments[i][1] for tree in constructs])
        if inner is None and value is not None:
            return None
        arguments.append((name, inner))
    return Construct(constructs[0].function, tuple(arguments), constructs[0].layer)


def opened(tree: Tree) -> Construct | None:
    """Return a construct as it is, and a tuple of whole numbers as one of its numbers.

    Then `(-1, 64, 8, 8)` and `(-1, 96, 4, 4)` share what they have in common.
    """
    if isinstance(tree, Construct):
        return tree
    if isinstance(tree, Host):
        return Construct(f"{HOST}{tree.function}", tuple(("", part) for part in tree.parts))
    if isinstance(tree, tuple) and tree and all(is_size(item) for item in tree):
        return Construct(TUPLE, tuple(("", item) for item in tree))
    return None


def is_size(item: Literal) -> bool:
    """Tell whether an element of a tuple is a whole number, known or computed."""
    return type(item) is int or isinstance(item, Host)


def variables(tree: Tree) -> Iterator[int]:
    """Yield the index of each variable in a tree."""
    if isinstance(tree, Variable):
        yield tree.index
    elif isinstance(tree, Construct):
        for _, argument in tree.arguments:
            yield from variables(argument)


def same(one: Tree, other: Tree) -> bool:
    """Tell whether two trees are equal; True and 1 are not."""
    return type(one) is type(other) and one == other


def shape(construct: Construct) -> tuple[str | int, tuple[str, ...]]:
    """Return what two constructs must share to differ only in values."""
    return construct.function, tuple(name for name, _ in construct.arguments)
