"""The graph after every stage, as files for Netron and onnxruntime."""

from pathlib import Path

import onnx_ir as ir

from .ir.graph import elements
from .output import writing

WEIGHTS = "weights.bin"
INLINE = 256
"""Bytes up to which a tensor stays inside its file."""


class Dump:
    """Writes the graph after a stage to `NN_stage.onnx`.

    The files are valid models and small: all of them refer to the one file of weights, which holds
    every tensor once, however many stages carry it.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder.

        Raises:
            OutputError: It cannot be written.
        """
        self._folder = folder
        self._written: dict[int, ir.ExternalTensor] = {}
        self._kept: list[ir.TensorProtocol] = []  # the keys of _written are ids: keep them alive
        self._stages = 0
        with writing(folder):
            folder.mkdir(exist_ok=True)
            (folder / WEIGHTS).write_bytes(b"")

    def __call__(self, stage: str, model: ir.Model) -> None:
        """Write the graph as it stands.

        Raises:
            OutputError: It cannot be written.
        """
        copy = model.clone()
        with writing(self._folder):
            for graph in copy.graphs():
                for value in graph.initializers.values():
                    if value.const_value is not None and value.const_value.nbytes > INLINE:
                        value.const_value = self._external(value.const_value)
            for node in copy.graph.all_nodes():
                _inline(node)
            file = self._folder / f"{self._stages:02d}_{stage}.onnx"
            file.write_bytes(ir.to_proto(copy).SerializeToString())
        self._stages += 1

    def _external(self, tensor: ir.TensorProtocol) -> ir.ExternalTensor:
        """Return a reference into the file of weights, where the tensor is written if new."""
        if id(tensor) not in self._written:
            path = self._folder / WEIGHTS
            data = tensor.tobytes()
            with path.open("ab") as file:
                offset = file.tell()
                file.write(data)
            self._kept.append(tensor)
            self._written[id(tensor)] = ir.ExternalTensor(
                WEIGHTS,
                offset,
                len(data),
                tensor.dtype,
                shape=ir.Shape(tensor.shape.numpy()),
                name=tensor.name or "",
                base_dir=self._folder,
            )
        return self._written[id(tensor)]


def _inline(node: ir.Node) -> None:
    """Let a node hold what its attributes refer to in the model's file, which is not beside us.

    Before constants are lifted some stand in Constant nodes; no runtime reads these from a file.
    """
    for name, attr in list(node.attributes.items()):
        if attr.type is ir.AttributeType.TENSOR and isinstance(attr.value, ir.ExternalTensor):
            tensor = ir.tensor(elements(attr.value), attr.value.dtype, attr.value.name)
            node.attributes[name] = ir.AttrTensor(name, tensor)
