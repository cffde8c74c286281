"""What is known of a shape is computed, though the rest of it stays open."""

import onnx_ir as ir

from ...compiler.ir.provenance import set_sources
from ...compiler.ir.sizes.contents import numbers
from ...compiler.ir.sizes.inference import analyse, is_open
from ..base import graph_pass
from ..rewrite import Names, add_initializer, tensor_of


@graph_pass(after=("infer_shapes", "fold_constants"))
def fold_sizes(graph: ir.Graph) -> int:
    """Put a constant in the place of what is computed from the known dimensions of a shape.

    Of `x.shape` with an open batch the channels are known, and whatever is computed from them; so
    is whether a size equals -1, which no size does.
    """
    if not is_open(graph):
        return 0
    sizes, names = analyse(graph), Names(graph)
    folded = 0
    for node in list(graph):
        for value in node.outputs:
            if value.is_graph_output() or not value.uses():
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
