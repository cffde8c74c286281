"""What each pass does to a graph, in a line for people."""

from collections.abc import Callable, Collection

import onnx_ir as ir

from ..passes.pipeline import PassRecord
from .ir.errors import count, quoted
from .ir.graph import operator
from .ir.provenance import path_of

MOST = 6
"""So many nodes are named that a pass has removed, and so many that it has made."""


class Changes:
    """Tells the nodes that a pass removes and makes; to be called as `on_pass` of the pipeline."""

    def __init__(self, model: ir.Model, tell: Callable[[str], None]) -> None:
        """Remember the nodes that there are.

        Args:
            model: The model before the first pass.
            tell: Called with a line for each run that changes something.
        """
        self._nodes = dict.fromkeys(model.graph.all_nodes())
        self._tell = tell

    def __call__(self, record: PassRecord, model: ir.Model) -> None:
        """Tell what a run of a pass has changed."""
        if not record.changes:
            return
        now = dict.fromkeys(model.graph.all_nodes())
        parts = [count(record.changes, "change")]
        for sign, some, others in (("-", self._nodes, now), ("+", now, self._nodes)):
            nodes = [node for node in some if node not in others]
            parts += [f"{sign} {_listed(nodes)}"] if nodes else []
        self._nodes = now
        self._tell(f"{record.stage:10} {record.name:24} {'; '.join(parts)}")


def _listed(nodes: Collection[ir.Node]) -> str:
    """Return the first of some nodes, and how many more there are."""
    told = [_described(node) for _, node in zip(range(MOST), nodes, strict=False)]
    more = f" and {len(nodes) - MOST} more" if len(nodes) > MOST else ""
    return f"{', '.join(told)}{more}"


def _described(node: ir.Node) -> str:
    path = path_of(node)
    place = f" ({quoted(path)[1:-1]})" if path else ""
    return f"{quoted(operator(node))[1:-1]} {quoted(node.name or '')}{place}"
