"""From a lowered graph to MindSpore source and weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import onnx_ir as ir

from ...compiler.ir.errors import ModelError, Problem, UnsupportedError
from ...compiler.ir.provenance import missing_keys, stored_keys
from ...compiler.ir.sizes.inference import is_open
from ..base import Emission, EmitOptions
from .closures import close, has_bodies
from .dtypes import mindspore_dtype
from .function_source import HELPERS, Helper
from .nodes import emit_graph
from .operators import EMITTERS
from .registry import CannotEmit, Emitters, Table
from .source import SourceWriter
from .stubs import stubs_of
from .tree import TreeBuilder
from .weights import weights_of

COMPUTED = "folded: the source holds what the network computes of it"
"""Why a key that the file holds is no parameter of the source."""


@dataclass(frozen=True)
class MindSporeEmitter:
    """Writes a lowered graph as nested `nn.Cell` classes.

    Attributes:
        emitters: What each operator becomes.
        helpers: Functions and classes that the source may need, by name.
    """

    emitters: Emitters = field(default_factory=lambda: EMITTERS)
    helpers: Mapping[str, Helper] = field(default_factory=lambda: HELPERS)

    def emit(self, model: ir.Model, options: EmitOptions) -> Emission:
        """Return the network as source and weights.

        Args:
            model: A graph in the dialect, its shapes inferred.
            options: What stands in the header.

        Raises:
            UnsupportedError: Operators without an emitter, all of them at once.
            ModelError: The graph computes nothing.
        """
        graph = model.graph
        _require_types(graph, options.model_name)
        if not len(graph):
            raise ModelError(
                f"{options.model_name} computes nothing: its outputs are its inputs",
                help="give a model with nodes between them",
            )
        if is_open(graph) or has_bodies(graph):
            graph = model.graph.clone()  # the model stays whole: it is run to find a divergence
        close(graph)
        table = Table(self.emitters, model.opset_imports, stub=options.stub)
        codes, known = emit_graph(graph, options.model_name, table)
        root = TreeBuilder(graph, codes, known).build()
        writer = SourceWriter(root, options, self.helpers)
        source, places = writer.write(graph)
        weights = weights_of(root)
        found = {weight.state_dict for weight in weights}  # some as parts of what was computed
        found |= {key for weight in weights for key in weight.tied}
        lost = {**missing_keys(model), **dict.fromkeys(stored_keys(model), COMPUTED)}
        missing = {key: why for key, why in lost.items() if key not in found}
        return Emission(
            source,
            writer.root_class,
            weights,
            places,
            missing,
            stubs_of(root),
            list(writer.modules()),
        )


def _require_types(graph: ir.Graph, name: str) -> None:
    """Raise unless MindSpore has the element type of every input."""
    problems: list[Problem] = []
    for value in graph.inputs:
        try:
            mindspore_dtype(value.dtype or ir.DataType.FLOAT)
        except CannotEmit as error:
            problems.append(Problem("input", value.name or "", "", str(error)))
    if problems:
        raise UnsupportedError(name, problems)
