"""The body of `construct`: which expressions stand alone, and what their results are called."""

import builtins
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import onnx_ir as ir

from ...compiler.ir.dim_values import parse
from .cells import Cell, Operand, Own, Step
from .code import Host, Turns
from .host import ARGUMENT, SIZE, references, refers, word_for
from .layout import WIDTH
from .loops import hands_on
from .match import passed_on
from .naming import TAKEN, identifier, unique
from .roles import ATTENTIONS, ORDINALS, PACKED, ROLES, role_of
from .shared_sizes import size_word
from .widths import LINE, NAME, SHORT, width_of
from .words_of_values import WORDS

DEEPEST = 4
"""So many calls stand inside each other at most."""

PLAIN = re.compile(r"(\w*\W)?(input|inputs|data|x|image|images)(\W?\d+)*$", re.IGNORECASE)
"""Names of a single input that say no more than `x`."""

BUILTINS = frozenset(dir(builtins))

METHOD = "{0}."
"""What the template of a method begins with: it may stand behind anything, `conv(x).reshape(…)`."""


@dataclass(eq=False)
class Statement:
    """One assignment, or the return.

    Attributes:
        step: The step whose outputs it assigns; None for the return.
        inner: Steps whose results stand inside it as expressions.
        reads: Values that it reads by name.
        targets: Names that it assigns.
    """

    step: Step | None
    inner: list[Step] = field(default_factory=list[Step])
    reads: list[ir.Value] = field(default_factory=list[ir.Value])
    targets: list[str] = field(default_factory=list[str])


class Body:
    """The statements of one cell's `construct`.

    Attributes:
        arguments: Name of each input.
        statements: In order; the last one returns.
        inlined: Values that stand as an expression in the statement that reads them.
        sizes: Name of each size that is read of an input or handed over.
        computed: Name of each size that is computed once for all who read it.
        taken: Names that the module uses itself.
    """

    def __init__(
        self,
        cell: Cell,
        optional: Sequence[Step],
        root: bool,
        shared: Sequence[Host] = (),
        taken: frozenset[str] = TAKEN,
    ) -> None:
        self.taken = taken
        self._cell = cell
        self._optional = optional
        self._maker = {output: step for step in cell.steps for output in step.outputs}
        self._readers = readers(cell)
        self.inlined: set[ir.Value] = set()
        self._choose_inlined()
        self.statements = self._statements()
        self.arguments = self._name_arguments(root)
        self.sizes = self._name_sizes()
        self.computed = self._name_computed(shared)
        self._name_targets()

    def is_optional(self, step: Step) -> bool:
        """Tell whether some object of the class does without the step."""
        return step in self._optional

    def is_loop(self, step: Step) -> bool:
        """Tell whether a step runs the elements of a list, or a body again and again."""
        child = self._cell.children.get(step.child)
        return step.turns is not None or (child is not None and bool(child.loop))

    def _choose_inlined(self) -> None:
        """Decide for each value whether it stands inside the expression that reads it."""
        depth: dict[ir.Value, int] = {}
        self._widths: dict[ir.Value, int] = {}
        for step in self._cell.steps:
            inside = [v for v in step.operands if isinstance(v, ir.Value) and v in self.inlined]
            own = 1 + max((depth[v] for v in inside), default=0)
            wide = sum(self._widths.get(v, NAME) if v in inside else NAME for v in step.operands)
            wide += width_of(step.code) if step.code else len(f"self.{step.child}()")
            for value in step.outputs:
                depth[value], self._widths[value] = own, wide
            if self._stands_inside(step, own):
                self.inlined.add(step.outputs[0])

    def _stands_inside(self, step: Step, depth: int) -> bool:
        layer = self._cell.children[step.child].layer if step.child else None
        if is_choice(step, self._readers):
            return True
        if len(step.outputs) != 1 or self.is_loop(step) or (layer and layer.unpacked):
            return False
        value = step.outputs[0]
        reading = self._readers[value]
        if value in self._cell.outputs:
            short = len(self._cell.outputs) == 1 or self._widths[value] <= SHORT
            return short and not reading and depth <= DEEPEST + 2
        if (
            depth > DEEPEST
            or self.is_optional(step)
            or len(reading) != 1
            or reading[0].operands.count(value) != 1
        ):
            return False
        reader = reading[0]
        if step.code is not None and step.code.lazy:
            return False  # a choice reads best by itself
        if self.is_optional(reader) or self.is_loop(reader):
            return False
        again = step.code.helpers if step.code else ()
        if again and reader.code is not None and reader.code.helpers == again:
            return False  # calls of one function in a row stand below each other
        closes = step.code.closes if step.code else self._is_module(step)
        if role_of(value) in ROLES and reader.node.op_type in ATTENTIONS and depth > 1:
            return False
        if reader.code is not None and reader.code.template.startswith(METHOD):
            whole = self._widths[value] + width_of(reader.code)
            return step.node.op_type not in ATTENTIONS and whole <= LINE
        if reader.code is None:
            before = self._is_layer_before(step, reader)
            return before or (not closes and not self._is_module(reader))
        if depth > 2 and self._widths[value] + width_of(reader.code) > WIDTH:
            return False
        return not closes or len(reader.operands) > 1 or (reader.code.closes and depth < DEEPEST)

    def _is_layer_before(self, step: Step, reader: Step) -> bool:
        """Tell whether a step is the layer before a module on a branch: `x + attn(norm(x))`."""
        source = step.operands[0] if step.operands else None
        if not step.child or self._cell.children[step.child].children:
            return False
        if len(step.operands) != 1 or not isinstance(source, ir.Value):
            return False
        forks = len(self._readers[source]) > 1 and source not in self.inlined
        return forks and reader.operands[0] is step.outputs[0] and self._is_added(reader)

    def _is_added(self, step: Step) -> bool:
        """Tell whether the result of a step is added to something, and nothing else is read."""
        readers = [reader for value in step.outputs for reader in self._readers[value]]
        return len(readers) == 1 and readers[0].node.op_type == "Add"

    def _is_module(self, step: Step) -> bool:
        """Tell whether a step calls a class or sequence, not a layer."""
        return bool(step.child) and self._cell.children[step.child].layer is None

    def _statements(self) -> list[Statement]:
        statements = [
            self._statement(step)
            for step in self._cell.steps
            if not any(output in self.inlined for output in step.outputs)
        ]
        last = Statement(None)
        for value in self._cell.outputs:
            self._gather(value, last)
        return [*statements, last]

    def _statement(self, step: Step) -> Statement:
        statement = Statement(step)
        for operand in step.operands:
            self._gather(operand, statement)
        return statement

    def _gather(self, operand: Operand, statement: Statement) -> None:
        """Add to a statement what it reads by name, and what stands inside it."""
        if isinstance(operand, Own):
            return
        if operand not in self.inlined:
            statement.reads.append(operand)
            return
        step = self._maker[operand]
        for inner in step.operands:
            self._gather(inner, statement)
        statement.inner.append(step)

    def _name_arguments(self, root: bool) -> dict[ir.Value, str]:
        names: dict[ir.Value, str] = {}
        alone = len(self._cell.inputs) == 1
        for value in self._cell.inputs:
            wish = "x"
            if value.is_graph_input() and not (
                alone and (not root or PLAIN.match(value.name or ""))
            ):
                wish = identifier(value.name or "x")
            elif names and (maker := value.producer()) is not None:
                wish = role_of(value) or WORDS.get(maker.op_type, "y")
                wish = "residual" if self._is_residual(value) else wish
            names[value] = unique(
                f"{wish}_" if wish in BUILTINS else wish, {*names.values(), *self.taken}
            )
        return names

    def _is_residual(self, value: ir.Value) -> bool:
        """Tell whether an argument is only added to what is computed of the others."""
        reading = self._readers.get(value, [])
        return len(reading) == 1 and reading[0].node.op_type == "Add" and not reading[0].child

    def _name_sizes(self) -> dict[str, str]:
        """Name the sizes that the steps read, as their symbols or axes are called."""
        names: dict[str, str] = {}
        taken = {*self.arguments.values(), *self.taken}
        handed = [f"{ARGUMENT} {i}" for i in range(len(self._cell.sizes))]
        demanded = [size for guard in self._cell.guards for size in (guard.size, guard.other)]
        names_read = [name for size in demanded for name in references(size)]
        read = [*names_read, *(name for step in self._cell.steps for name in refers(step))]
        for key in dict.fromkeys([*handed, *read]):
            kind, index, *axis = key.split()
            if kind == ARGUMENT:
                wish = word_for(self._cell.sizes[int(index)], None, 1)
            else:
                value = self._cell.inputs[int(index)]
                dim = None if value.shape is None else value.shape[int(axis[0])]
                size = parse(dim.value) if isinstance(dim, ir.SymbolicDim) and dim.value else None
                wish = word_for(0 if size is None else size, value, int(axis[0]))
            names[key] = unique(identifier(wish, "size"), taken)
            taken.add(names[key])
        return names

    def _name_computed(self, shared: Sequence[Host]) -> dict[Host, str]:
        """Name the sizes that are computed once for all who read them."""
        names: dict[Host, str] = {}
        for host in shared:
            taken = {*self.arguments.values(), *self.sizes.values(), *names.values(), *self.taken}
            names[host] = unique(identifier(size_word(host, self.sizes), "size"), taken)
        return names

    def size_arguments(self) -> list[str]:
        """Return the names of the sizes that the cell is called with."""
        return [self.sizes[f"{ARGUMENT} {i}"] for i in range(len(self._cell.sizes))]

    def readings(self) -> list[str]:
        """Return the statements that read sizes of inputs: `batch, length, _ = x.shape`."""
        axes: dict[ir.Value, dict[int, str]] = {}
        for key, name in self.sizes.items():
            kind, index, *axis = key.split()
            if kind == SIZE:
                axes.setdefault(self._cell.inputs[int(index)], {})[int(axis[0])] = name
        lines: list[str] = []
        for value, names in axes.items():
            rank, text = len(value.shape or ()), f"{self.arguments[value]}.shape"
            if len(names) == 1 and rank > 1:
                lines += [f"{name} = {text}[{axis}]" for axis, name in names.items()]
                continue
            targets = ", ".join(names.get(axis, "_") for axis in range(rank))
            lines.append(f"{targets}{',' if rank == 1 else ''} = {text}")
        return lines

    def _name_targets(self) -> None:
        """Name results: `x` and `out` go on as long as their old value is done with."""
        last_read = {
            value: i for i, statement in enumerate(self.statements) for value in statement.reads
        }
        holds = {name: value for value, name in self.arguments.items()}
        self.names: dict[ir.Value, str] = dict(self.arguments)
        for i, statement in enumerate(self.statements):
            if statement.step is None:
                continue
            again = self._read_again(statement.step)
            done = {
                name
                for name, value in holds.items()
                if last_read.get(value, -1) <= i and value not in again
            }
            for value in statement.step.outputs:
                held = {*holds, *self.sizes.values(), *self.computed.values()} - done
                name = self._target(statement.step, value, held)
                done.discard(name)
                holds[name] = value
                self.names[value] = name
                statement.targets.append(name)

    def _read_again(self, step: Step) -> set[Operand]:
        """Return the operands of a loop that each turn reads: all but what it hands on."""
        if step.turns is not None:
            return read_each_turn(step, step.turns)
        if not self.is_loop(step):
            return set()
        loop = self._cell.children[step.child]
        position = hands_on(loop, loop.steps)
        return {operand for i, operand in enumerate(step.operands) if i != position}

    def _target(self, step: Step, value: ir.Value, held: set[str]) -> str:
        """Return a name for a result; `held` are the names whose value is read later."""
        if step.turns is not None:
            return self._turned(step, step.turns, value, held)
        role = role_of(value)
        if role and role not in held:
            return role
        passed = passed_on(step, self._cell) if self.is_optional(step) else None
        added = any(reader.node.op_type == "Add" for reader in self._readers[value])
        if passed in self.names and self.names[passed] not in held and not added:
            return self.names[passed]
        if passed is not None and step.child:
            wish = "identity" if "identity" not in held else step.child
            return unique(identifier(wish), held | self.taken)
        if len(step.outputs) > 1:
            return unique(identifier(self._part(step, value)), held | self.taken)
        plain = [name for name in ("x", "out") if name not in held]
        if plain:
            return plain[0]
        word = step.child.replace(".", "_") or WORDS.get(step.node.op_type, "value")
        return unique(identifier(word), held | self.taken)

    def _turned(self, step: Step, turns: Turns, value: ir.Value, held: set[str]) -> str:
        """Return a name for a result of a loop: that of the state with which it begins."""
        place = step.outputs.index(value)
        if place >= turns.states:
            return unique("rows", held | self.taken)
        before = step.operands[turns.bounded + turns.conditional + place]
        wish = self.names.get(before, "x") if isinstance(before, ir.Value) else "x"
        return unique(wish, held | self.taken)

    def _part(self, step: Step, value: ir.Value) -> str:
        """Return what one of several results is called: `key`, or the layer that made it."""
        index, count = step.outputs.index(value), len(step.outputs)
        if not step.child:
            operand = step.operands[0]
            source = self._maker.get(operand) if isinstance(operand, ir.Value) else None
            packed = source is not None and PACKED.search(source.child) and count == len(ROLES)
            words = ROLES if packed else ORDINALS
            return words[index] if count <= len(words) else f"part{index}"
        makers = (
            inner for inner in self._cell.children[step.child].steps if value in inner.outputs
        )
        inner = next(makers, None)
        word = inner.child or WORDS.get(inner.node.op_type, "value") if inner else step.child
        return word.replace(".", "_")


def is_choice(step: Step, reading: Mapping[ir.Value, Sequence[Step]]) -> bool:
    """Tell whether a step runs only if another one chooses it: it stands in that expression."""
    if len(step.outputs) != 1:
        return False
    if step.outputs[0].producer() is not None:
        return False
    read = reading[step.outputs[0]]
    code = read[0].code if len(read) == 1 else None
    return code is not None and code.lazy


def read_each_turn(step: Step, turns: Turns) -> set[Operand]:
    """Return what a body that is run again and again is called with each time, states apart."""
    first = turns.bounded + turns.conditional
    return {*step.operands[:first], *step.operands[first + turns.states :]}


def readers(cell: Cell) -> dict[ir.Value, list[Step]]:
    """Return for each value the steps of a cell that read it."""
    reading: dict[ir.Value, list[Step]] = {
        value: [] for step in cell.steps for value in step.outputs
    }
    for step in cell.steps:
        for operand in Counter(step.operands):
            if isinstance(operand, ir.Value):
                reading.setdefault(operand, []).append(step)
    return reading
