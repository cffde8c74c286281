"""The element type and the shape of every value."""

import math
from collections.abc import Iterable

import onnx
import onnx.defs
import onnx.shape_inference
import onnx_ir as ir

from ...compiler.ir.dialect import OPSET
from ...compiler.ir.evaluate import CannotEvaluateError, output_size
from ...compiler.ir.graph import constant, integers, is_constant, shape_of
from ...compiler.ir.sizes.inference import is_open, write_sizes
from ..base import graph_pass
from ..check_operators import check_operators
from ..skeleton import skeleton

LONG = 2**16
"""Most elements that a constant may have to be followed from node to node."""

LONGEST = 2**22
"""Most elements of any vector where elements are followed."""

SHORT = 8
"""Most elements of an operand that says how large a constant is."""

CLAIMING = frozenset(("Tile", "Pad", "Resize", "OneHot", "CenterCropPad"))
"""Operators whose integer operands say how large the result is."""

GENERATED = "unk__"
"""Prefix of the dimension names that onnx makes up anew in every run."""


@graph_pass()
def infer_shapes(graph: ir.Graph) -> int:
    """Find the element type and the shape of every value, by ONNX's own inference.

    What inference finds replaces what the file says: the inputs may have been bound to other
    dimensions since. Where it finds nothing, the file is believed. Dimensions that are no numbers
    become expressions of the inputs' symbols. No weight is read.
    """
    changed = infer(graph, OPSET, data_prop=not _has_long(graph))
    check_operators(graph)
    return changed + write_sizes(graph) if is_open(graph) else changed


def infer(graph: ir.Graph, opset: int, *, data_prop: bool) -> int:
    """Find the types and shapes in a graph of any operator set; return how many changed.

    Args:
        graph: A main graph or a subgraph.
        opset: Version of ai.onnx, which a subgraph does not tell.
        data_prop: Whether the elements of shapes are followed from node to node.
    """
    opsets = {node.domain: 1 for node in graph if node.domain} | graph.opset_imports | {"": opset}
    proto = onnx.shape_inference.infer_shapes(
        skeleton(graph, opsets=opsets).proto, data_prop=data_prop
    ).graph
    found = {info.name: info.type for info in (*proto.value_info, *proto.output)}
    changed = 0
    for node in graph:
        for value in node.outputs:
            if value.name in found:
                changed += merge(value, found[value.name])
        if not node.domain and any(value.type is None for value in node.outputs):
            changed += _type_by_schema(node, opset)
    return changed


def _type_by_schema(node: ir.Node, opset: int) -> int:
    """Give outputs the element type of an input that has to be of the same; tell how many.

    Of an operator that ONNX defines by others, onnx 1.23 may infer the shape alone.
    """
    try:
        schema = onnx.defs.get_schema(node.op_type, opset)
    except onnx.defs.SchemaError:
        return 0
    types = {
        formal.type_str: value.type
        for formal, value in zip(schema.inputs, node.inputs, strict=False)
        if value is not None and isinstance(value.type, ir.TensorType)
    }
    typed = 0
    for formal, value in zip(schema.outputs, node.outputs, strict=False):
        if value.type is None and formal.type_str in types:
            value.type = types[formal.type_str]
            typed += 1
    return typed


def _has_long(graph: ir.Graph) -> bool:
    """Tell whether onnx 1.23 must not follow elements from node to node.

    It keeps 70 bytes for each, of what it does not know too: a file of 100 bytes that counts to
    10^9 would take all memory, one that adds vectors of such a size, and one that joins a vector
    to itself thirty times.
    """
    lengths: dict[ir.Value, int] = {}
    for node in graph:
        operands = [_length(value, lengths) for value in node.inputs if value is not None]
        joins = node.op_type == "Concat" and not node.domain
        longest = sum(operands) if joins else max(operands, default=1)
        if longest > LONGEST or _is_long(node):
            return True
        lengths.update(dict.fromkeys(node.outputs, longest))
    return False


def _length(value: ir.Value, lengths: dict[ir.Value, int]) -> int:
    """Return how long a value is if it is a vector, or may be one; 1 if it is none."""
    if value.shape is not None and len(value.shape) != 1:
        return 1
    known = shape_of(value)
    return known[0] if known is not None else lengths.get(value, 1)


def _is_long(node: ir.Node) -> bool:
    """Tell whether a node makes a long constant."""
    if node.domain:
        return False
    if node.op_type in CLAIMING:
        held = [integers(value) or () for value in node.inputs[1:] if _is_short(value)]
        return any(math.prod(max(number, 1) for number in numbers) > LONGEST for numbers in held)
    if node.op_type not in ("Range", "ConstantOfShape", "Expand"):
        return False
    operands = [constant(value) for value in node.inputs if _is_short(value)]
    try:
        return len(operands) == len(node.inputs) and output_size(node, operands) > LONG
    except CannotEvaluateError:
        return False


def _is_short(value: ir.Value | None) -> bool:
    return is_constant(value) and math.prod(shape_of(value) or ()) <= SHORT


def merge(value: ir.Value, proto: onnx.TypeProto) -> bool:
    """Give a value the type that was found, dimension by dimension; tell whether it changed."""
    if not proto.HasField("tensor_type"):
        found = ir.serde.deserialize_type_proto_for_type(proto)
        changed = found is not None and found != value.type
        value.type = found if changed else value.type
        return changed
    tensor = proto.tensor_type
    changed = False
    if tensor.elem_type and (value.type is None or value.type.dtype != tensor.elem_type):
        value.type = ir.TensorType(ir.DataType(tensor.elem_type))
        changed = True
    if tensor.HasField("shape"):
        known = (
            value.shape
            if value.shape is not None and len(value.shape) == len(tensor.shape.dim)
            else None
        )
        shape = ir.Shape(_dimensions(tensor.shape.dim, known))
        if value.shape is None or list(shape) != list(value.shape):
            value.shape = shape
            changed = True
    return changed


def _dimensions(
    found: Iterable[onnx.TensorShapeProto.Dimension], known: ir.Shape | None
) -> list[int | ir.SymbolicDim]:
    """Return the dimensions found, and where one was not, the one that was known."""
    dimensions: list[int | ir.SymbolicDim] = []
    for axis, dimension in enumerate(found):
        if dimension.HasField("dim_value"):
            dimensions.append(dimension.dim_value)
        elif dimension.dim_param and not dimension.dim_param.startswith(GENERATED):
            dimensions.append(ir.SymbolicDim(dimension.dim_param))
        else:
            dimensions.append(ir.SymbolicDim(None) if known is None else known[axis])
    return dimensions
