"""From a lowered graph to MindSpore source and weights."""

import onnx_ir as ir

from ...compiler.ir.errors import Problem, UnsupportedError
from ...compiler.ir.graph import operator
from ...compiler.ir.provenance import missing_keys, path_of
from ..base import Emission, EmitOptions
from . import operators
from .code import Code
from .registry import EMITTERS, CannotEmit, Op
from .source import SourceWriter
from .tree import TreeBuilder
from .weights import weights_of


class MindSporeEmitter:
    """Writes a lowered graph as nested `nn.Cell` classes."""

    def emit(self, model: ir.Model, options: EmitOptions) -> Emission:
        """Return the network as source and weights.

        Args:
            model: A graph in the dialect, its shapes inferred.
            options: What stands in the header.

        Raises:
            UnsupportedError: Operators without an emitter, all of them at once.
        """
        codes = emit_nodes(model.graph, options.model_name)
        root = TreeBuilder(model.graph, codes).build()
        writer = SourceWriter(root, options)
        source, places = writer.write(model.graph)
        weights = weights_of(root)
        found = {weight.state_dict for weight in weights}  # some as parts of what was computed
        missing = {key: why for key, why in missing_keys(model).items() if key not in found}
        return Emission(source, writer.root_class, weights, places, missing)


def emit_nodes(graph: ir.Graph, model_name: str) -> dict[ir.Node, Code]:
    """Return the code of every node.

    Raises:
        UnsupportedError: For all nodes that have none.
    """
    assert operators, "importing the operators fills the table"
    codes: dict[ir.Node, Code] = {}
    problems: list[Problem] = []
    for node in graph:
        emit = EMITTERS.get((node.domain, node.op_type))
        reason = f"no emitter for domain '{node.domain}'" if node.domain else "no emitter"
        if emit is not None:
            try:
                codes[node] = emit(Op(node))
                continue
            except CannotEmit as error:
                reason = str(error)
        problems.append(Problem(operator(node), node.name or "", path_of(node), reason))
    if problems:
        raise UnsupportedError(model_name, problems)
    return codes
