"""What a pass is: a function from a graph to the number of its changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import onnx_ir as ir

from .functions import declare
from .skeleton import walk_nested

Run = Callable[[ir.Graph], int]


@dataclass(frozen=True)
class Pass:
    """A graph pass.

    Attributes:
        name: The function's name: a verb and what it acts on.
        run: Changes a graph in place and returns the number of changes; 0 leaves it untouched.
        doc: First sentence of the function's docstring; `onnx2ms passes` prints it.
        after: Names of passes that must have run before.
        writes: Operators of the domain onnx2ms that it writes; the model gets their definitions.
        on_request: Whether it runs only where it is asked for.
        stage: Of a plugin's pass: the stage that it is put into, as early as `after` allows.
        replaces: Of a plugin's pass: passes that it stands in for, at the place of the first.
        origin: The plugin that it comes from; empty: onnx2ms itself.
    """

    name: str
    run: Run
    doc: str
    after: Sequence[str] = ()
    writes: Sequence[str] = ()
    on_request: bool = False
    stage: str = ""
    replaces: Sequence[str] = ()
    origin: str = ""

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"pass {self.name}" + (f" of plugin {self.origin}" if self.origin else "")

    def __call__(self, graph: ir.Graph) -> int:
        """Run the pass on one graph.

        Raises:
            TypeError: It does not return a number.
        """
        changes = cast("object", self.run(graph))
        if not isinstance(changes, int):
            raise TypeError(f"it returned {changes!r}, not the number of its changes")
        return changes

    def run_on(self, model: ir.Model) -> int:
        """Run the pass over the main graph and every subgraph; return the number of changes."""
        changes = sum(self(graph) for graph in walk_nested(model.graph))
        if changes:
            declare(model, self.writes)
        if changes and self.origin:
            for node in model.graph.all_nodes():
                model.opset_imports.setdefault(node.domain, 1)
        return changes


def graph_pass(
    *,
    after: Sequence[str] = (),
    writes: Sequence[str] = (),
    on_request: bool = False,
    stage: str = "",
    replaces: Sequence[str] = (),
) -> Callable[[Run], Pass]:
    """Make a pass of a function; the first line of its docstring says what it does.

    Args:
        after: Names of passes that must have run before this one.
        writes: Operators of the domain onnx2ms, defined in `functions.py`, that it writes.
        on_request: Whether it runs only where it is asked for.
        stage: Of a plugin's pass: "modernize", "shapes", "fuse" or "lower"; it is put into that
            stage as early as `after` allows.
        replaces: Of a plugin's pass: passes that it stands in for, at the place of the first.

    Raises:
        ValueError: The function has no docstring.
    """

    def decorate(function: Run) -> Pass:
        return Pass(
            function.__name__,
            function,
            first_line(function),
            tuple(after),
            tuple(writes),
            on_request,
            stage,
            tuple(replaces),
        )

    return decorate


def first_line(function: Callable[..., object]) -> str:
    """Return the first line of a pass's docstring.

    Raises:
        ValueError: It has none.
    """
    doc = (function.__doc__ or "").strip().partition("\n")[0]
    if not doc:
        raise ValueError(f"pass {function.__name__} needs a docstring: what it does")
    return doc
