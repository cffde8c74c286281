"""What is known of a shape is computed, though the rest of it stays open."""

import onnx_ir as ir

from ...compiler.ir.provenance import KEY, ROLE, set_sources
from ...compiler.ir.sizes.contents import numbers
from ...compiler.ir.sizes.inference import analyse, is_open
from ..base import graph_pass
from ..rewrite import Names, add_initializer, tensor_of


@graph_pass(after=("infer_shapes", "fold_constants"))
def fold_sizes(graph: ir.Graph) -> int:
    """Put a constant in the place of what is computed from the known dimensions of a shape.

    Of `x.shape` with an open batch the channels are known, and whatever is computed from them; so
    is whether a size equals -1, which no size does. What is made of a parameter stays: it learns.
    """
    if not is_open(graph):
        return 0
    sizes, names, learned = analyse(graph), Names(graph), made_of_parameters(graph)
    folded = 0
    for node in list(graph):
        for value in node.outputs:
            if value in learned or value.is_graph_output() or not value.uses():
                continue
            array = numbers(sizes.content(value), value.dtype)
            if array is None:
                continue
            name = value.name or ""
            value.name = names.fresh(f"{name}_computed")  # the node goes with what else is dead
            constant = add_initializer(graph, name, tensor_of(array))
            set_sources(constant, [name])
            value.replace_all_uses_with(constant)
            folded += 1
    return folded


def made_of_parameters(graph: ir.Graph) -> set[ir.Value]:
    """Return the parameters in a graph, buffers aside, and all that is made of them."""
    made = {
        value
        for value in graph.initializers.values()
        if KEY in value.metadata_props
        and value.metadata_props.get(ROLE) != "buffers"
        and value.dtype is not None
        and value.dtype.is_floating_point()
    }
    for node in graph:
        if node.op_type not in ("Shape", "Size") and not made.isdisjoint(node.inputs):
            made.update(node.outputs)
    return made
