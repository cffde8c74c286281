"""Whether a file holds a valid model: onnx.checker, without reading a weight."""

import re
from collections.abc import Iterable, Iterator

import onnx
import onnx_ir as ir

from ..ir.errors import ModelError, quoted

BAD_NODE = re.compile(r"Bad node spec for node\. Name: (.*?) OpType: (\w+)", re.DOTALL)


GRAPHS = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)

INFERENCE_ERROR = re.compile(
    r"\(op_type: ?(\w+)(?:, node name: (.*?))?\): (?:\[\w+\] )*([^\n]*)", re.DOTALL
)


def check_model(model: onnx.ModelProto, external: Iterable[onnx.TensorProto], name: str) -> None:
    """Raise unless onnx.checker accepts a model.

    Inputs and outputs may lack a shape, though the checker asks for one: the user can give the
    former, and the latter is inferred.

    Args:
        model: A model as its file holds it; unchanged on return.
        external: Its tensors whose elements stand in a file. They are shown to the checker as
            empty ones: it would look for the file in the current folder.
        name: The file's name.

    Raises:
        ModelError: With the checker's reason and the node that it names.
    """
    dims = [(tensor, list(tensor.dims)) for tensor in external]
    values = (value.type.tensor_type for value in (*model.graph.input, *model.graph.output))
    shapeless = [type_ for type_ in values if type_.elem_type and not type_.HasField("shape")]
    for tensor, _ in dims:
        tensor.dims[:] = [0]
        tensor.data_location = onnx.TensorProto.DEFAULT
    for type_ in shapeless:
        type_.shape.SetInParent()
    try:
        onnx.checker.check_model(model)  # pyright: ignore[reportUnknownMemberType]
    except onnx.checker.ValidationError as error:
        reason, _, context = str(error).partition("\n")
        node = BAD_NODE.search(context)
        where = f", node {quoted(node[1])} ({node[2]})" if node else ""
        raise ModelError(
            f"{name} is not a valid ONNX model{where}: {quoted(reason, 400)[1:-1]}",
            help="onnx.checker refuses it: export the network again",
        ) from error
    finally:
        for tensor, shape in dims:
            tensor.dims[:] = shape
            tensor.data_location = onnx.TensorProto.EXTERNAL
        for type_ in shapeless:
            type_.ClearField("shape")


def flaw(model: onnx.ModelProto) -> str:
    """Return what ONNX's own inference finds wrong with a model that onnx.checker accepts.

    Operands of a wrong rank, axes that are not there, types that do not go together: what a graph
    means is unknown then. It is not asked beforehand, as it refuses some models that run, those
    with wrong annotations among them.

    Args:
        model: A model without its large tensors.
    """
    try:
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError) as error:
        found = INFERENCE_ERROR.search(str(error))
        if found is None:
            return quoted(str(error).partition("\n")[0], 400)[1:-1]
        node = f"node {quoted(found[2])} ({found[1]})" if found[2] else f"a node {found[1]}"
        return f"{node}: {quoted(found[3], 400)[1:-1]}"
    except (ValueError, RuntimeError) as error:
        return quoted(str(error), 400)[1:-1]
    return ""


def check_nodes(model: onnx.ModelProto, name: str) -> None:
    """Raise where a node cannot be what it says: what onnx.checker lets pass.

    Args:
        model: A model as its file holds it.
        name: The file's name.

    Raises:
        ModelError: A text is none, a body or the number of outputs does not fit a node, or an
            attribute refers to one of a function's, but stands in none.
    """
    bodies = [(model.graph.node, False), *((item.node, True) for item in model.functions)]
    for nodes, in_function in bodies:
        for node in nodes:
            for attribute in node.attribute:
                if problem := _problem(node, attribute, in_function=in_function):
                    raise ModelError(
                        f"{name} is not a valid ONNX model: {quoted(attribute.name)[1:-1]} of node"
                        f" {quoted(node.name)} ({quoted(node.op_type)[1:-1]}) {problem}",
                        help="export the network again",
                    )
                inner = (attribute.g, *attribute.graphs) if attribute.type in GRAPHS else ()
                bodies += [(graph.node, in_function) for graph in inner]


def _problem(node: onnx.NodeProto, attribute: onnx.AttributeProto, *, in_function: bool) -> str:
    """Return what is wrong with an attribute, or nothing."""
    if attribute.ref_attr_name:
        return "" if in_function else "refers to an attribute of a function, and stands in none"
    try:
        for text in (attribute.s, *attribute.strings):
            text.decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    for body in (attribute.g, *attribute.graphs) if attribute.type in GRAPHS else ():
        if not _fits(node, body):
            ends = f"{len(body.input)} inputs and {len(body.output)} outputs"
            return f"has {ends}, which do not fit the node's"
    # the inference of onnx 1.23 ends the process
    counts = (node.op_type, attribute.name) == ("Split", "num_outputs")
    if counts and attribute.i != len(node.output):
        return f"is {attribute.i}, but it has {len(node.output)} outputs"
    return ""


def _fits(node: onnx.NodeProto, body: onnx.GraphProto) -> bool:
    """Tell whether a graph has the inputs and outputs that the node holding it asks for."""
    if node.domain not in ("", "ai.onnx"):
        return True
    given, made = len(node.input), len(node.output)
    inputs = {"If": {0}, "Loop": {max(given, 2)}, "Scan": {given, given - 1}}  # opset 8: lengths
    outputs = made + 1 if node.op_type == "Loop" else made
    return len(body.input) in inputs.get(node.op_type, {given}) and len(body.output) == outputs


def check_text(model: ir.Model, name: str) -> None:
    """Raise unless all names are text.

    The ONNX schema asks for UTF-8, but protobuf hands out anything else as bytes.

    Args:
        model: A model as it was read.
        name: The file's name.

    Raises:
        ModelError: A name or a metadata property is not UTF-8.
    """
    if any(isinstance(text, bytes) for text in _texts(model)):
        raise not_utf8(name)


def not_utf8(name: str) -> ModelError:
    """Return an error for a file with names that are no text."""
    return ModelError(
        f"{name} is damaged: a name in it is not UTF-8", help="copy or download the file again"
    )


def _texts(model: ir.Model) -> Iterator[object]:
    yield from (model.producer_name, model.producer_version, *model.opset_imports)
    yield from _items(model.metadata_props)
    yield from _items(model.graph.metadata_props)
    yield from (graph.name for graph in model.graphs())
    yield from _value_texts((*model.graph.inputs, *model.graph.initializers.values()))
    nodes = [model.graph.all_nodes()]
    for identifier, function in model.functions.items():
        yield from (*identifier, *function.attributes, *function.opset_imports)
        yield from _value_texts(function.inputs)
        nodes.append(function.all_nodes())
    for node in (node for part in nodes for node in part):
        yield from (node.name, node.op_type, node.domain, node.overload, *node.attributes)
        yield from _items(node.metadata_props)
        yield from _value_texts(node.outputs)


def _value_texts(values: Iterable[ir.Value]) -> Iterator[object]:
    for value in values:
        yield value.name
        yield from _items(value.metadata_props)


def _items(properties: dict[str, str]) -> Iterator[object]:
    yield from properties
    yield from properties.values()
