"""Linear layers on tensors of any rank, which were made matrices for them."""

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.dims import product
from ...compiler.ir.graph import attribute, is_constant, operand, shape_of
from ...compiler.ir.provenance import inherit, origins, set_origins
from ...compiler.ir.sizes.analysis import Dims, known_shape, written
from ..base import graph_pass
from ..rewrite import Site, sites, take_over
from ..size_vectors import size_vector

FLATTENS = frozenset(("Reshape", "Flatten"))


@graph_pass(after=("fuse_flatten", "fuse_linear"), writes=("Linear", "Dense"))
def unflatten_linear(graph: ir.Graph) -> int:
    """Let a Gemm between two reshapes read what was there before the first, as onnx2ms.Linear.

    PyTorch computes x W + b of more than two axes so where it calls addmm, as GPT-2's Conv1D and
    MultiheadAttention do. A weight kept as (out, in) makes it onnx2ms.Dense.
    """
    return sum(map(_unflatten, sites(graph, "Gemm")))


def _unflatten(site: Site) -> bool:
    node, source = site.node, operand(site.node, 0)
    flat = None if source is None else source.producer()
    users = list(node.outputs[0].uses())
    if flat is None or flat.domain or flat.op_type not in FLATTENS or not _is_layer(node):
        return False
    if len(users) != 1 or users[0].node.op_type != "Reshape" or users[0].idx:
        return False
    data, last = operand(flat, 0), users[0].node
    before, rows = known_shape(data), known_shape(source)
    after, made = known_shape(last.outputs[0]), known_shape(node.outputs[0])
    if data is None or before is None or rows is None or after is None or made is None:
        return False
    if node.outputs[0].is_graph_output() or after[-1] != made[-1] or len(after) < 3:
        return False
    shape = (*after[:-1], rows[1])
    whole = data if before == shape else _joined(site, data, before, shape)
    if whole is None:
        return False
    new = ir.node(
        "Dense" if attribute(node, "transB", 0) else "Linear",
        [whole, *node.inputs[1:]],
        domain=DOMAIN,
        outputs=[ir.Value()],
        name=node.name,
    )
    inherit([new], [node])
    set_origins(new, [*origins(flat), *origins(node), *origins(last)])
    site.graph.insert_before(node, new)
    take_over(last.outputs[0], new.outputs[0])
    site.graph.remove([last, node], safe=True)
    return True


def _is_layer(node: ir.Node) -> bool:
    """Tell whether a Gemm is x W + b of two constants, b with an element for each column."""
    weight, bias = operand(node, 1), operand(node, 2)
    shape = shape_of(weight)
    plain = attribute(node, "alpha", 1.0) == attribute(node, "beta", 1.0) == 1.0
    if not plain or attribute(node, "transA", 0) or shape is None or 0 in shape:
        return False
    out = shape[0] if attribute(node, "transB", 0) else shape[1]
    floats = weight is not None and weight.dtype is not None and weight.dtype.is_floating_point()
    return floats and is_constant(weight) and is_constant(bias) and shape_of(bias) == (out,)


def _joined(site: Site, data: ir.Value, before: Dims, shape: Dims) -> ir.Value | None:
    """Return a tensor with its last axes joined to the layer's channels, or None.

    So the heads of attention become channels again.
    """
    lead = len(shape) - 1
    if before[:lead] != shape[:lead] or product(before[lead:]) != shape[-1]:
        return None
    wanted = size_vector(site, shape, [data])
    if wanted is None:
        return None
    result = site.add("Reshape", [data, wanted], dtype=data.dtype)
    result.shape = written(shape)
    return result
