"""The classes of the generated module: their constructors' arguments and their fields."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .axis_words import shape_words, weight_words
from .cells import Cell, Step
from .clusters import Cluster, Clustering
from .code import Symbol
from .constants import own_tree
from .construct import (
    ABSENT,
    NAMED,
    Absent,
    Construct,
    Generalization,
    Hint,
    Tree,
    Variable,
    Variation,
    sequence,
)
from .naming import unique

CHANNELS = {"in_channels", "out_channels", "num_features", "num_channels", "channels"}
USUAL = {"stride", "padding", "dilation", "group", "has_bias", "ceil_mode", "p", "eps", "momentum"}
"""Arguments that a person gives a default; the most frequent value becomes it."""


FLAGS = {"Add": "residual", "Roll": "shifted"}
"""Arguments that tell whether an object has an operator, by the operator."""

COUNTED = re.compile(r"_\d+$")

ELEMENTS = ""
"""The field that holds the elements of a class derived from SequentialCell."""


@dataclass(frozen=True)
class Required:
    """In place of a default."""


REQUIRED = Required()


@dataclass(frozen=True)
class Parameter:
    """An argument of a class's constructor.

    Attributes:
        name: Identifier.
        annotation: Type, as it is written.
        default: Value if it is not given; REQUIRED if it must be.
    """

    name: str
    annotation: str
    default: Tree | Required = REQUIRED


@dataclass(frozen=True)
class Scaled:
    """A variable that is always a multiple, or half, of another one, or one more or less.

    Attributes:
        template: `2 * {}`, the other one in the braces.
        base: Index of the other variable.
    """

    template: str
    base: int


@dataclass(eq=False)
class ClassDefinition:
    """One class of the generated module.

    Attributes:
        cluster: Its objects.
        fields: What the constructor stores, by attribute.
        settings: What each step's settings are, by number of the step.
        flags: For each operator that some objects lack whether an object has it.
        names: The argument of each variable that is one.
        scaled: The variables that are told by another one.
        parameters: Arguments of the constructor; those with a default last.
        given: For each object the value of each argument.
        name: Name of the class; given by the writer.
    """

    cluster: Cluster
    fields: dict[str, Tree]
    settings: list[dict[str, Tree]]
    flags: dict[int, Tree]
    names: dict[int, str] = field(default_factory=dict[int, str])
    scaled: dict[int, Scaled] = field(default_factory=dict[int, Scaled])
    parameters: list[Parameter] = field(default_factory=list[Parameter])
    given: dict[Cell, dict[str, Tree]] = field(default_factory=dict[Cell, dict[str, Tree]])
    name: str = ""

    @property
    def base(self) -> str:
        """Class of `mindspore.nn` from which it derives."""
        return "nn.SequentialCell" if ELEMENTS in self.fields else "nn.Cell"

    def texts(self, prefix: str = "") -> dict[int, str]:
        """Return the source of each variable: in the constructor, or behind `self.` elsewhere."""
        plain = {index: f"{prefix}{name}" for index, name in self.names.items()}
        told = {i: item.template.format(plain[item.base]) for i, item in self.scaled.items()}
        return plain | told

    def is_told(self, tree: Tree) -> bool:
        """Tell whether a tree is a variable that another one tells: a product or a sum."""
        return isinstance(tree, Variable) and tree.index in self.scaled

    def argument(self, index: int) -> str:
        """Return the constructor's argument that tells a variable."""
        return self.names[self.scaled[index].base if index in self.scaled else index]


class ClassBuilder:
    """Defines every class of a tree, those of children first."""

    def __init__(self, root: Cell) -> None:
        self.clustering = Clustering(root)
        self.definitions: dict[Cluster, ClassDefinition] = {}
        self._numbers: dict[Cluster, int] = {}
        self._define(self.clustering.of[root])

    def definition(self, number: int) -> ClassDefinition:
        """Return a class by the number that a `Construct` carries."""
        return list(self.definitions.values())[number]

    def construct(self, cell: Cell) -> Construct:
        """Return the call that makes a cell."""
        if cell.layer is not None:
            return Construct(cell.layer.name, tuple(cell.layer.arguments.items()), cell.layer)
        if cell not in self.clustering.of:
            elements = [self.construct(child) for child in cell.children.values()]
            function = f"{NAMED}{cell.stem}" if cell.stem else "nn.SequentialCell"
            return sequence("nn.CellList" if cell.loop else function, elements)
        cluster = self.clustering.of[cell]
        self._define(cluster)
        given = self.definitions[cluster].given[cell]
        return Construct(self._numbers[cluster], tuple(given.items()))

    def _define(self, cluster: Cluster) -> None:
        if cluster in self.definitions:
            return
        members = list(cluster.members)
        trees = [self._fields(member) for member in members]  # defines the children's classes
        general = Generalization()
        fields = {
            name: general.of(
                [tree.get(name, ABSENT) for tree in trees],
                Hint(name, name, weight_words(name, rank_of_own(cluster.template, name))),
            )
            for name in self._field_order(cluster)
        }
        settings = [
            {
                name: general.of(self._setting(cluster, i, name), Hint("", name, shape_words(step)))
                for name in step.settings
            }
            for i, step in enumerate(cluster.template.steps)
        ]
        optional = set(cluster.optional())
        flags = {
            i: general.of(
                [alignment[i] is not None for alignment in cluster.members.values()],
                Hint("", flag_name(step)),
            )
            for i, step in enumerate(cluster.template.steps)
            if step in optional and not step.child
        }
        definition = ClassDefinition(cluster, fields, settings, flags)
        name_variables(definition, general.variations, members)
        self._numbers[cluster] = len(self.definitions)
        self.definitions[cluster] = definition

    def _fields(self, cell: Cell) -> dict[str, Tree]:
        """Return what the constructor of a cell stores, by attribute."""
        if cell.is_sequence:
            elements = [self.construct(child) for child in cell.children.values()]
            return {ELEMENTS: sequence("", elements)}
        fields: dict[str, Tree] = {name: own_tree(source) for name, source in cell.own.items()}
        lists: dict[str, dict[int, Tree]] = {}  # they need not be called in their order
        for name, child in cell.children.items():
            head, dot, index = name.rpartition(".")
            if dot:
                lists.setdefault(head, {})[int(index)] = self.construct(child)
            else:
                fields[name] = self.construct(child)
        for head, listed in lists.items():
            fields[head] = sequence("nn.CellList", [listed[index] for index in sorted(listed)])
        return fields

    @staticmethod
    def _field_order(cluster: Cluster) -> list[str]:
        """Return the attributes of a class, parameters first, then in order of use."""
        template = cluster.template
        if template.is_sequence:
            return [ELEMENTS]
        calls = [
            step.child.rpartition(".")[0] or step.child for step in template.steps if step.child
        ]
        return list(dict.fromkeys([*template.own, *calls]))

    @staticmethod
    def _setting(cluster: Cluster, step: int, name: str) -> list[Tree]:
        """Return one setting of a step in each member; the template's where it is lacking."""
        values: list[Tree] = []
        for alignment in cluster.members.values():
            theirs = alignment[step] or cluster.template.steps[step]
            values.append(theirs.settings[name])
        return values


def name_variables(
    definition: ClassDefinition, variations: Sequence[Variation], members: Sequence[Cell]
) -> None:
    """Turn what differs between objects into arguments of the constructor."""
    definition.scaled = scaled = find_scaled(variations, definition.cluster.template)
    taken: set[str] = {"self"}
    parameters: list[Parameter] = []
    for index, variation in enumerate(variations):
        if index in scaled:
            continue
        names = list(wishes(variation, definition.cluster.template))
        name = next((name for name in names if name not in taken), unique(names[0], taken))
        taken.add(name)
        definition.names[index] = name
        parameters.append(Parameter(name, annotation(variation), default(variation)))
        for cell, value in zip(members, variation.values, strict=True):
            given = None if isinstance(value, Absent) else value
            definition.given.setdefault(cell, {})[name] = given
    for cell in members:
        definition.given.setdefault(cell, {})
    definition.parameters = sorted(parameters, key=rank)


def rank(parameter: Parameter) -> tuple[bool, int]:
    """Return a key that sorts arguments: those with a default last, channels first."""
    places = {"in_channels": 0, "width": 1, "out_channels": 1}
    return not isinstance(parameter.default, Required), places.get(parameter.name, 2)


def rank_of_own(cell: Cell, name: str) -> int:
    """Return the rank of a parameter that a cell holds itself, 0 if it is none."""
    return len(cell.own[name].shape) if name in cell.own else 0


def find_scaled(variations: Sequence[Variation], template: Cell) -> dict[int, Scaled]:
    """Return the variables that are the same multiple, or part, of another in every object.

    Others are told by the input's channels where these are among them, else by the smallest.
    """
    scaled: dict[int, Scaled] = {}
    whole = [i for i, v in enumerate(variations) if all(type(x) is int and x > 0 for x in v.values)]
    whole.sort(
        key=lambda i: (not is_end(variations[i], template, "in_channels"), numbers(variations[i]))
    )
    for i in whole:
        for base in whole[: whole.index(i)]:
            values, others = numbers(variations[i]), numbers(variations[base])
            relation = scale(values, others)
            if not relation and is_width(variations[i]) and is_width(variations[base]):
                relation = next_to(values, others)
            if base not in scaled and relation:
                scaled[i] = Scaled(relation, base)
                break
    for i, variation in enumerate(variations):
        kernel = halved(variation, variations)
        if i not in scaled and kernel is not None and kernel not in scaled:
            scaled[i] = Scaled("{} // 2", kernel)
    return scaled


def scale(values: tuple[int, ...], base: tuple[int, ...]) -> str:
    """Return `4 * {}` where values are four times the base, `{} // 4` the other way, or nothing."""
    one, other = values[0], base[0]
    if any(a * other != b * one for a, b in zip(values, base, strict=True)):
        return ""
    if one % other == 0:
        return f"{one // other} * {{}}"
    return f"{{}} // {other // one}" if other % one == 0 else ""


def is_width(variation: Variation) -> bool:
    """Tell whether a variable is a number of channels somewhere."""
    return not CHANNELS.isdisjoint(hint.argument for hint in variation.hints)


def next_to(values: tuple[int, ...], base: tuple[int, ...]) -> str:
    """Return `2 * {} + 1` where values are one more than twice the base, or nothing."""
    points = sorted(set(zip(base, values, strict=True)))
    (x0, y0), (x1, y1) = points[0], points[-1]
    factor, rest = divmod(y1 - y0, x1 - x0) if x1 > x0 else (0, 1)
    offset = y0 - factor * x0
    if rest or factor < 1 or abs(offset) != 1 or any(y != factor * x + offset for x, y in points):
        return ""
    return f"{f'{factor} * ' if factor > 1 else ''}{{}} {'+' if offset > 0 else '-'} 1"


def halved(padding: Variation, variations: Sequence[Variation]) -> int | None:
    """Return the kernel size of which a padding is half, rounded down, in every object."""
    if {hint.argument for hint in padding.hints} != {"padding"}:
        return None
    for index, other in enumerate(variations):
        arguments = {hint.argument for hint in other.hints}
        if "kernel_size" in arguments and all(
            type(k) is int and type(p) is int and p == k // 2
            for p, k in zip(padding.values, other.values, strict=True)
        ):
            return index
    return None


def numbers(variation: Variation) -> tuple[int, ...]:
    """Return the values of a variable that is an int in every object."""
    return tuple(value for value in variation.values if isinstance(value, int))


def wishes(variation: Variation, template: Cell) -> Iterator[str]:
    """Yield what a person would call an argument, from where it is used, the best name first."""
    arguments = list(dict.fromkeys(hint.argument for hint in variation.hints))
    stem = COUNTED.sub("", arguments[0])  # an argument of a child's class may have been counted
    if variation.is_cell:
        element = arguments[0] in ("element", "")
        yield "activation" if element else stem
    elif is_end(variation, template, "in_channels"):
        yield "in_channels"
    elif is_end(variation, template, "out_channels"):
        yield "out_channels"
    elif CHANNELS.intersection(arguments):
        yield "width" if len(variation.hints) > 1 else stem
        yield from ("mid_channels", "hidden_channels")
    yield stem or "value"
    field = variation.hints[0].field
    if stem and field not in ("", stem):
        yield f"{field}_{stem}"


def is_end(variation: Variation, template: Cell, argument: str) -> bool:
    """Tell whether a variable is the `in_channels` of what reads the cell's input.

    Or, for `out_channels`, that of what gives its output.
    """
    first = argument == "in_channels"
    ends = [
        step.child.partition(".")[0]
        for step in template.steps
        if step.child and (step.operands if first else step.outputs) == template.ends(first)
    ]
    hints = variation.hints if first else variation.hints[::-1]
    found = next((hint for hint in hints if hint.field in ends), None)
    return found is not None and found.argument == argument


def flag_name(step: Step) -> str:
    """Return the name of the argument that tells whether an object has an operator."""
    return FLAGS.get(step.node.op_type, f"with_{step.node.op_type.lower()}")


def default(variation: Variation) -> Tree | Required:
    """Return the value that an argument has if it is not given, or REQUIRED."""
    if any(isinstance(value, Absent) for value in variation.values):
        return None
    if any(isinstance(value, Construct) for value in variation.values):
        return REQUIRED
    usual = all(hint.argument in USUAL for hint in variation.hints)
    usual |= all(isinstance(value, bool) for value in variation.values)
    value, _ = Counter(variation.values).most_common(1)[0]
    return value if usual else REQUIRED


def annotation(variation: Variation) -> str:
    """Return the type of an argument as it is written."""
    kinds = {kind(value) for value in variation.values}
    return " | ".join(sorted(kinds, key=lambda text: (text == "None", text)))


def kind(value: Tree) -> str:
    """Return the type of one value as it is written."""
    match value:
        case Absent() | None:
            return "None"
        case Construct(function="Parameter") | Construct(function="Tensor"):
            return "ms.Tensor"
        case Construct():
            return "nn.Cell"
        case tuple():
            return "tuple[" + ", ".join([*dict.fromkeys(kind(item) for item in value), "..."]) + "]"
        case Symbol():
            return "ms.Type"
        case _:
            return type(value).__name__
