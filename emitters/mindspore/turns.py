"""The loop around a body that is run again and again."""

from collections.abc import Collection, Sequence

from .code import Stack, Turns
from .dtypes import mindspore_dtype
from .layout import fit
from .naming import unique

MOST = 2**20
"""Most turns for which what a loop collects has its place before the loop begins."""


class TurnsWriter:
    """Writes a `while` of MindSpore's two modes.

    The number of the turn is a tensor that is computed: GRAPH mode of MindSpore 2.10 takes one
    that begins as a constant for that constant behind the loop. What a loop collects has its place
    before the loop begins, since GRAPH mode knows no lists that grow in a `while`; where nobody
    knows how many turns there may be it is a list all the same.

    Args:
        turns: How often, and what is done around it.
        targets: Names of what the loop makes: the states, then what it collects.
        taken: Names that are something else.
    """

    def __init__(self, turns: Turns, targets: Sequence[str], taken: Collection[str]) -> None:
        self._turns = turns
        self._states = list(targets[: turns.states])
        self._stacks = list(zip(targets[turns.states :], turns.stacks, strict=True))
        names = set(taken)
        self._turn = self._fresh("turn", names)
        self._go_on = self._fresh("go_on", names)
        self._parts = [self._fresh("part", names) for _ in self._stacks]
        self._count = ""
        self._condition = ""

    @staticmethod
    def _fresh(wish: str, names: set[str]) -> str:
        name = unique(wish, names)
        names.add(name)
        return name

    def lines(self, child: str, operands: Sequence[str], sizes: Sequence[str]) -> list[str]:
        """Return the statements of the loop.

        Args:
            child: The cell of the body, `self.turn`.
            operands: What the step reads, as the step's `Turns` says.
            sizes: Sizes that the body is called with behind all else.
        """
        turns, rest = self._turns, list(operands)
        self._count = (
            rest.pop(0) if turns.bounded else "" if turns.limit is None else str(turns.limit)
        )
        given = rest.pop(0) if turns.conditional else "ops.ones((), ms.bool_)"
        states, read = rest[: turns.states], rest[turns.states :]
        self._condition = self._go_on if turns.decides else given if turns.conditional else ""
        begin = [f"{self._turn} = ops.zeros((), ms.int64)"] if self._is_counted else []
        if turns.decides:
            begin.append(f"{self._go_on} = {given}")
        moved = [(t, s) for t, s in zip(self._states, states, strict=True) if t != s]
        if moved:
            begin.append(" = ".join(", ".join(names) for names in zip(*moved, strict=True)))
        begin += [f"{name} = {self._place(stack)}" for name, stack in self._stacks]
        arguments = [self._turn] * turns.counts + [self._condition or given] * turns.asks
        called = f"{child}({', '.join([*arguments, *self._states, *read, *sizes])})"
        results = [self._go_on] * turns.decides + self._states + self._parts
        inside = [f"{', '.join(results)} = {called}"]
        inside += map(self._put, self._stacks, self._parts)
        if self._is_counted:
            inside.append(f"{self._turn} = {self._turn} + 1")
        end = [text for name, stack in self._stacks for text in self._close(name, stack)]
        return [
            *(line for text in begin for line in fit(8, text)),
            *fit(8, f"while {self._test}:"),
            *(line for text in inside for line in fit(12, text)),
            *(line for text in end for line in fit(8, text)),
        ]

    @property
    def _is_counted(self) -> bool:
        """Whether somebody asks for the number of the turn."""
        return bool(self._count) or self._turns.counts

    @property
    def _test(self) -> str:
        bound = f"{self._turn} < {self._count}" if self._count else ""
        return " and ".join(filter(None, [self._condition, bound])) or "True"

    def _is_placed(self, stack: Stack) -> bool:
        return is_placed(self._turns, stack)

    def _place(self, stack: Stack) -> str:
        """Return what a stack is before the first turn."""
        if not self._is_placed(stack):
            return "[]"
        dtype = mindspore_dtype(stack.dtype)
        return f"make_rows({self._count}, {stack.shape}, {dtype})"

    def _put(self, named: tuple[str, Stack], part: str) -> str:
        """Return the statement that puts a turn's part into a stack."""
        name, stack = named
        if not self._is_placed(stack):
            return f"{name}.append({part})"
        return f"{name} = put_row({name}, {self._turn}, {part})"

    def _close(self, name: str, stack: Stack) -> list[str]:
        """Return what is done with a stack behind the loop."""
        if self._is_placed(stack):
            taken = [f"{name} = take_rows({name}, {self._turn})"]
            return taken if self._condition else []
        if stack.shape is None:
            return [f"{name} = ops.stack({name})"]
        empty = (0, *(size or 0 for size in stack.shape))
        dtype = mindspore_dtype(stack.dtype)
        return [f"{name} = ops.stack({name}) if {name} else ops.zeros({empty}, {dtype})"]


def is_placed(turns: Turns, stack: Stack) -> bool:
    """Tell whether there can be a place for each turn's part before the loop begins."""
    counted = turns.bounded or (turns.limit is not None and turns.limit <= MOST)
    return counted and stack.shape is not None and None not in stack.shape


def helpers_of(turns: Turns) -> tuple[str, ...]:
    """Return the functions of the module that a loop calls."""
    placed = any(is_placed(turns, stack) for stack in turns.stacks)
    if not placed:
        return ()
    early = turns.decides or turns.conditional
    return ("make_rows", "put_row", "take_rows") if early else ("make_rows", "put_row")
