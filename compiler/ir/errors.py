"""What can go wrong, as a user sees it: what, where, and what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class Onnx2msError(Exception):
    """Base of every error that onnx2ms raises on purpose.

    Attributes:
        message: What is wrong and where; the first line stands alone.
        help: What to do about it, one sentence or two; empty if nothing can be done.
        exit_status: Status with which the command line ends.
    """

    exit_status = 1

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(message)
        self.message = shown(message)
        self.help = shown(help)

    def __str__(self) -> str:
        return f"{self.message}\n\nhelp: {self.help}" if self.help else self.message


class UsageError(Onnx2msError):
    """The call is wrong: an unknown input, a shape of the wrong rank, an existing folder."""

    exit_status = 2


class ModelError(Onnx2msError):
    """The file cannot be read, or is not a valid ONNX model."""


class OutputError(Onnx2msError):
    """The folder cannot be written."""


class PassError(Onnx2msError):
    """A graph pass failed, left an invalid graph or changed what the graph computes."""


class PassCrashError(PassError):
    """A graph pass ended in an exception that it does not know of."""


class PluginError(Onnx2msError):
    """A plugin cannot be loaded, contradicts itself or another one, or fails; its name is told."""


REPORT = "this is a fault of the plugin: report it to its authors, or leave the plugin out"
"""What to do about a plugin that fails."""


class NotProvenError(Onnx2msError):
    """Converted, but the new network is not shown to compute what the old one did.

    Attributes:
        conversion: The finished `onnx2ms.Conversion`; its files are kept.
    """

    exit_status = 3

    def __init__(self, message: str, *, help: str = "", conversion: object = None) -> None:
        super().__init__(message, help=help)
        self.conversion = conversion


PLACES = 3
"""So many nodes of an operator are named in a message."""

WAY_OUT = (
    "write an emitter (docs/plugins.md), or convert the rest with --stub;"
    " `onnx2ms ops` lists what is supported"
)


class IncompleteError(Onnx2msError):
    """Converted but for some operators, which are still to be written."""

    exit_status = 4


@dataclass(frozen=True)
class Problem:
    """One operator that cannot be compiled.

    Attributes:
        operator: Domain and type, as in `com.acme.Swoosh`; the domain ai.onnx is not written.
        node: Name of the node in the model.
        path: Dotted path of its PyTorch module, empty where unknown.
        reason: One clause, such as "no emitter for this operator".
        near: Supported operators of a similar name.
        behind: Whether it could be compiled if another one told the shape of its result.
    """

    operator: str
    node: str
    path: str
    reason: str
    near: tuple[str, ...] = ()
    behind: bool = False

    @property
    def place(self) -> str:
        """Node and module path as one phrase."""
        return f"{self.node} ({self.path})" if self.path else self.node


class UnsupportedError(Onnx2msError):
    """Some operators cannot be compiled; all of them are told at once.

    Attributes:
        problems: One entry a node.
    """

    def __init__(self, model: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        causes = [problem for problem in problems if not problem.behind]
        groups: dict[tuple[str, str], list[Problem]] = {}
        for problem in causes:
            groups.setdefault((problem.operator, problem.reason), []).append(problem)
        operators = len({problem.operator for problem in causes})
        lines = [f"cannot compile {model}: {count(operators, 'operator')} not supported", ""]
        for (operator, reason), members in groups.items():
            lines += [f"  {operator}     {count(len(members), 'node')}"]
            lines += [f"    at    {problem.place}" for problem in members[:PLACES]]
            lines += [f"          and {len(members) - PLACES} more"] if members[PLACES:] else []
            lines += [f"    why   {reason}"]
            lines += [f"    near  {', '.join(members[0].near)}"] if members[0].near else []
        if len(causes) < len(problems):
            behind = dict.fromkeys(problem.operator for problem in problems if problem.behind)
            lines += [f"  behind them, of shapes that nobody knows then: {', '.join(behind)}"]
        super().__init__("\n".join(lines), help=WAY_OUT)


def count(number: int, noun: str) -> str:
    """Return `1 node`, `2 nodes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(text: str) -> str:
    """Return a text that a terminal only shows: what does more than that is escaped."""
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def quoted(name: str, limit: int = 80) -> str:
    """Return a name of the model for a message: printable, on one line, of bounded length."""
    text = "".join(c if c.isprintable() else _escaped(c) for c in name)
    return f"'{text}'" if len(text) <= limit else f"'{text[: limit - 1]}…'"


def told(error: BaseException) -> str:
    """Return class and message of an exception of others, on one line, of bounded length."""
    return f"{type(error).__name__}: {quoted(' '.join(str(error).split()), 300)[1:-1]}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return the first names, quoted, and how many more there are."""
    text = ", ".join(quoted(name) for name in names[:most])
    return f"{text} and {len(names) - most} more" if len(names) > most else text


def closest(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean 'a' or 'b'?` for an unknown name; empty if none is like it."""
    # difflib is quadratic in the lengths, and a name of the model may be of any length
    close = get_close_matches(name[:100], [other for other in names if len(other) <= 100], 3)
    return f"; did you mean {' or '.join(map(quoted, close))}?" if close else ""
