"""Whether a file holds a valid model: onnx.checker, without reading a weight."""

import re
from collections.abc import Iterable, Iterator

import onnx
import onnx_ir as ir

from ..ir.errors import ModelError, quoted

BAD_NODE = re.compile(r"Bad node spec for node\. Name: (.*?) OpType: (\w+)", re.DOTALL)


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
