"""The tensors of a model file: what they hold, and where on disk."""

import math
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import onnx
import onnx_ir as ir

from ..ir.errors import ModelError, quoted
from ..ir.graph import Array

Attributes = Iterable[onnx.AttributeProto]


class FileTensor(ir.ExternalTensor):
    """A tensor in a file that was checked when the model was read.

    Its elements leave memory with the last array that shows them: onnx_ir would keep them, and
    a network's weights are read one after the other.
    """

    def numpy(self) -> Array:
        """Map the elements into memory."""
        array = cast("Array", super().numpy())  # pyright: ignore[reportUnknownMemberType]
        self._array = self.raw = None
        return array

    def __array__(self, dtype: npt.DTypeLike | None = None) -> Array:
        """Map the elements into memory."""
        return np.asarray(self.numpy(), dtype)

    def _check_path_containment(self) -> None:
        """Do nothing: `check_tensors` has looked.

        onnx_ir refuses hard links, which package installers make, and models behind symbolic
        links, which the Hugging Face cache makes.
        """


def check_tensors(model: onnx.ModelProto, file: Path) -> list[onnx.TensorProto]:
    """Check that every tensor holds as many elements as its shape says.

    Args:
        model: A model as its file holds it.
        file: That file; external data must lie in its folder.

    Returns:
        The tensors whose elements stand in a file.

    Raises:
        ModelError: Elements are missing or left over, or their file is missing, outside of the
            model's folder, not a file or too short; the tensor and the file are named.
    """
    folders = {file.parent.resolve(), file.resolve().parent}
    sizes: dict[str, int] = {}
    external: list[onnx.TensorProto] = []
    for tensor in tensors(model):
        where = f"{file.name}: tensor {quoted(str(tensor.name))}"
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            _check_elements(tensor, where)
            continue
        entries = {str(entry.key): str(entry.value) for entry in tensor.external_data}
        location = entries.get("location", "")
        if location not in sizes:
            sizes[location] = _file_size(location, file, folders, where)
        _check_reference(tensor, entries, sizes[location], where)
        external.append(tensor)
    return external


def tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield the initializers and attributes of a model, its subgraphs and its functions."""
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        yield from _attribute_tensors(function.attribute_proto)
        for node in function.node:
            yield from _attribute_tensors(node.attribute)


def attach(model: ir.Model, folder: Path) -> None:
    """Let external tensors be read from a folder, when their elements are asked for."""
    for graph in model.graphs():
        for value in graph.initializers.values():
            if value.const_value is not None:
                value.const_value = _attached(value.const_value, folder)
    for node in (node for graph in model.graphs() for node in graph):
        for name, attribute in node.attributes.items():
            if attribute.type == ir.AttributeType.TENSORS:
                several = [_attached(tensor, folder) for tensor in attribute.as_tensors()]
                node.attributes[name] = ir.AttrTensors(name, several)
            elif isinstance(attribute.value, ir.ExternalTensor):
                node.attributes[name] = ir.AttrTensor(name, _attached(attribute.value, folder))


def _attached(tensor: ir.TensorProtocol, folder: Path) -> ir.TensorProtocol:
    if not isinstance(tensor, ir.ExternalTensor):
        return tensor
    return FileTensor(
        tensor.location,  # pyright: ignore[reportUnknownMemberType]
        tensor.offset,
        tensor.length,
        tensor.dtype,
        shape=tensor.shape,
        name=tensor.name,
        doc_string=tensor.doc_string,
        metadata_props=dict(tensor.metadata_props),
        base_dir=folder,
    )


def _graph_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        yield from _attribute_tensors(node.attribute)


def _attribute_tensors(attributes: Attributes) -> Iterator[onnx.TensorProto]:
    for attribute in attributes:
        if attribute.type == onnx.AttributeProto.TENSOR:
            yield attribute.t
        elif attribute.type == onnx.AttributeProto.TENSORS:
            yield from attribute.tensors
        elif attribute.type == onnx.AttributeProto.GRAPH:
            yield from _graph_tensors(attribute.g)
        elif attribute.type == onnx.AttributeProto.GRAPHS:
            for graph in attribute.graphs:
                yield from _graph_tensors(graph)


def _check_elements(tensor: onnx.TensorProto, where: str) -> None:
    """Check a tensor whose elements stand in the message."""
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != (size := _size(tensor, where)):
            raise _wrong_size(tensor, where, len(tensor.raw_data), size)
        return
    try:
        np.asarray(ir.from_proto(tensor))
    except (AssertionError, ValueError, TypeError, RuntimeError) as error:
        raise ModelError(f"{where} cannot be read: {error}") from error


def _file_size(location: str, file: Path, folders: set[Path], where: str) -> int:
    """Return the size of a file that tensors refer to."""
    path = file.parent / location
    help_ = "move the model together with all files of its folder, or export it again"
    if not location or Path(location).is_absolute():
        raise ModelError(f"{where}: the path {quoted(location)} is not relative", help=help_)
    try:
        if not any(path.resolve().is_relative_to(folder) for folder in folders):
            raise ModelError(
                f"{where}: the path {quoted(location)} leaves the model's folder",
                help="the weights must lie beside the model; do not trust this file",
            )
        status = path.stat()
    except (OSError, ValueError, RuntimeError) as error:  # too long; a null byte; a symlink loop
        raise ModelError(f"{where}: its file {quoted(location)} is missing", help=help_) from error
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{where}: {quoted(location)} is not a file", help=help_)
    return status.st_size


def _check_reference(
    tensor: onnx.TensorProto, entries: dict[str, str], available: int, where: str
) -> None:
    """Check that a tensor's elements lie within its file."""
    size = _size(tensor, where)
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
    except ValueError as error:
        raise ModelError(f"{where}: offset or length is not a number") from error
    if length != size:
        raise _wrong_size(tensor, where, length, size)
    if offset < 0 or offset + length > available:
        raise ModelError(
            f"{where}: bytes {offset} to {offset + length} of {quoted(entries['location'])},"
            f" which has {available}",
            help="the file with the weights is truncated: copy or download it again",
        )


def _size(tensor: onnx.TensorProto, where: str) -> int:
    """Return how many bytes a tensor's elements take."""
    try:
        bits = ir.DataType(tensor.data_type).bitwidth
    except (ValueError, TypeError) as error:
        raise ModelError(f"{where}: element type {tensor.data_type} is not supported") from error
    dims = [int(dim) for dim in tensor.dims]
    if any(dim < 0 for dim in dims):
        raise ModelError(f"{where}: negative dimension in {dims}")
    return -(-math.prod(dims) * bits // 8)


def _wrong_size(tensor: onnx.TensorProto, where: str, has: int, needs: int) -> ModelError:
    return ModelError(
        f"{where} has {has} bytes, {needs} are needed for the shape {list(tensor.dims)}",
        help="the file is damaged: copy, download or export it again",
    )
