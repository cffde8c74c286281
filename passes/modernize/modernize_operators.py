"""One form for every operator, whatever operator set the file was written in."""

import onnx_ir as ir

from ...compiler.ir.dialect import NEWEST_OPSET, OPSET
from ...compiler.ir.errors import ModelError
from ...compiler.ir.graph import blaming
from ..base import graph_pass
from ..rewrite import Names
from ..shapes.infer_shapes import infer
from ..skeleton import nested
from .form import Form
from .operators import READINGS

RANKS_MATTER = 13
"""Below this version the meaning of some operators depends on the rank of what they read."""


@graph_pass()
def modernize_operators(graph: ir.Graph) -> int:
    """Write every operator as it is written in operator set 24, subgraphs' too.

    An operator that is not in the table stays as it is; the emitter tells of it.
    """
    if not graph.opset_imports:  # a subgraph: it was rewritten together with its main graph
        return 0
    version = graph.opset_imports.pop("ai.onnx", graph.opset_imports.get("", OPSET))
    if version > NEWEST_OPSET:
        raise ModelError(
            f"the model is written in operator set {version}; {NEWEST_OPSET} is the newest known",
            help=f"export it again with opset_version={OPSET}, or install a newer onnx2ms",
        )
    if version < RANKS_MATTER:
        for inner in nested(graph):
            infer(inner, version, data_prop=False)
    changed = int(version != OPSET) + modernize(graph, version)
    graph.opset_imports[""] = OPSET
    return changed


def modernize(graph: ir.Graph, version: int) -> int:
    """Rewrite the nodes of a graph and its subgraphs; return how many changed.

    Args:
        graph: A graph, or the body of a function.
        version: Version of ai.onnx that it is written in.
    """
    changed = 0
    for inner in nested(graph):
        names = Names(inner)
        changed += sum(_modernize(node, names, version) for node in list(inner))
    return changed


def _modernize(node: ir.Node, names: Names, version: int) -> bool:
    """Rewrite one node; tell whether it changed."""
    reading = READINGS.get(node.op_type)
    if node.domain or reading is None:
        return False
    before = _spelling(node)
    if version < 6:
        node.attributes.pop("consumed_inputs", None)  # a hint for memory, on many operators
    if reading.rule is not None:
        with blaming(node):
            reading.rule(Form(node, names, version))
    return _spelling(node) != before


def _spelling(node: ir.Node) -> tuple[object, ...]:
    return (
        node.graph is None,
        node.op_type,
        dict(node.attributes),
        tuple(node.inputs),
        len(node.outputs),
    )
