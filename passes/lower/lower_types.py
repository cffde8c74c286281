"""Element types that MindSpore has no kernel for."""

import onnx_ir as ir

from ...compiler.ir.graph import operand
from ..base import graph_pass
from ..rewrite import Names, Site, set_inputs
from .kernels import FREE_OF_SIGN, WIDER

UNSIGNED = frozenset(
    (ir.DataType.UINT8, ir.DataType.UINT16, ir.DataType.UINT32, ir.DataType.UINT64)
)


@graph_pass(after=("infer_shapes",))
def lower_types(graph: ir.Graph) -> int:
    """Compute in a wider element type, and cast back, where MindSpore has no kernel for a type.

    The wider type holds every value of the narrow one, or the same bits where the operator is
    arithmetic modulo 2^64; where there is none the operator stays, and is refused.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        source = operand(node, 0)
        dtype = source.dtype if source is not None else None
        if node.domain or dtype is None:
            continue
        if dtype in UNSIGNED and node.op_type in FREE_OF_SIGN:
            _without_sign(Site(node, names), dtype)
            lowered += 1
            continue
        if node.op_type == "Mod" and dtype == ir.DataType.UINT64:
            _rest(Site(node, names))
            lowered += 1
            continue
        wider = WIDER.get(node.op_type, {}).get(dtype)
        if wider is not None:
            _widen(Site(node, names), dtype, wider)
            lowered += 1
    return lowered


def _without_sign(site: Site, dtype: ir.DataType) -> None:
    """Write what an operator is of numbers that are never below 0."""
    node, x = site.node, site[0]
    if node.op_type == "Sign":
        nonzero = site.add("Cast", [x], to=int(ir.DataType.BOOL), dtype=ir.DataType.BOOL)
        site.replace(site.add("Cast", [nonzero], to=int(dtype), dtype=dtype))
    elif node.op_type == "ReduceL1":
        node.op_type = "ReduceSum"
    else:
        site.replace(site.add("Identity", [x], dtype=dtype))


def _rest(site: Site) -> None:
    """Write x mod y as x - x / y * y, of integers of 64 bits without a sign.

    The difference is computed with a sign, which changes none of its bits.
    """
    x, y, dtype, wider = site[0], site[1], ir.DataType.UINT64, ir.DataType.INT64
    multiple = site.add("Mul", [site.add("Div", [x, y], dtype=dtype), y], dtype=dtype)
    pair = [site.add("Cast", [value], to=int(wider), dtype=wider) for value in (x, multiple)]
    rest = site.add("Sub", pair, dtype=wider)
    site.replace(site.add("Cast", [rest], to=int(dtype), dtype=dtype))


def _widen(site: Site, dtype: ir.DataType, wider: ir.DataType) -> None:
    """Cast all operands of an element type, and the results of that type back."""
    node = site.node
    inputs = [
        site.add("Cast", [value], to=int(wider), dtype=wider)
        if value is not None and value.dtype == dtype
        else value
        for value in node.inputs
    ]
    for new, old in zip(inputs, node.inputs, strict=True):
        if new is not None and old is not None and new is not old:
            new.shape = old.shape
    set_inputs(node, *inputs)
    for index, value in enumerate(list(node.outputs)):
        if value.dtype == dtype:
            shape = value.shape
            site.follow("Cast", output=index, to=int(dtype))
            node.outputs[index].type = ir.TensorType(wider)
            node.outputs[index].shape = shape
