"""What a pass is: a function from a graph to the number of its changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    """

    name: str
    run: Run
    doc: str
    after: Sequence[str] = ()
    writes: Sequence[str] = ()
    on_request: bool = False

    def __call__(self, graph: ir.Graph) -> int:
        """Run the pass on one graph."""
        return self.run(graph)

    def run_on(self, model: ir.Model) -> int:
        """Run the pass over the main graph and every subgraph; return the number of changes."""
        changes = sum(self(graph) for graph in walk_nested(model.graph))
        if changes:
            declare(model, self.writes)
        return changes


def graph_pass(
    *, after: Sequence[str] = (), writes: Sequence[str] = (), on_request: bool = False
) -> Callable[[Run], Pass]:
    """Make a pass of a function.

    Args:
        after: Names of passes that must have run before this one.
        writes: Operators of the domain onnx2ms, defined in `functions.py`, that it writes.
        on_request: Whether it runs only where it is asked for.

    Raises:
        ValueError: The function has no docstring.
    """

    def decorate(function: Run) -> Pass:
        doc = (function.__doc__ or "").strip().partition("\n")[0]
        if not doc:
            raise ValueError(f"pass {function.__name__} needs a docstring: what it does")
        return Pass(function.__name__, function, doc, tuple(after), tuple(writes), on_request)

    return decorate
