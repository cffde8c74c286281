"""From a lowered graph to MindSpore source and weights."""

import onnx_ir as ir

from ...compiler.ir.provenance import missing_keys, stored_keys
from ...compiler.ir.sizes.inference import is_open
from ..base import Emission, EmitOptions
from . import operators
from .closures import close, has_bodies
from .nodes import emit_graph
from .source import SourceWriter
from .tree import TreeBuilder
from .weights import weights_of

COMPUTED = "folded: the source holds what the network computes of it"
"""Why a key that the file holds is no parameter of the source."""


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
        assert operators, "importing the operators fills the table"
        graph = model.graph
        if is_open(graph) or has_bodies(graph):
            graph = model.graph.clone()  # the model stays whole: it is run to find a divergence
        close(graph)
        codes, known = emit_graph(graph, options.model_name)
        root = TreeBuilder(graph, codes, known).build()
        writer = SourceWriter(root, options)
        source, places = writer.write(graph)
        weights = weights_of(root)
        found = {weight.state_dict for weight in weights}  # some as parts of what was computed
        found |= {key for weight in weights for key in weight.tied}
        lost = {**missing_keys(model), **dict.fromkeys(stored_keys(model), COMPUTED)}
        missing = {key: why for key, why in lost.items() if key not in found}
        return Emission(source, writer.root_class, weights, places, missing)
