"""What a graph computes: its own outputs, or other values, at which it is cut."""

from collections.abc import Sequence

import onnx
import onnx_ir as ir
from onnx_ir.passes.common import RemoveUnusedNodesPass

from ..ir.errors import UsageError, closest, quoted


def cut_outputs(model: ir.Model, outputs: Sequence[str], name: str) -> None:
    """Let a model compute other values than its outputs, and nothing else.

    Inputs that no output needs any more are removed.

    Args:
        model: Changed in place.
        outputs: Names of values that nodes of the main graph make.
        name: The file's name.

    Raises:
        UsageError: There is no such value, or it is named twice.
    """
    graph = model.graph
    made = {value.name: value for node in graph for value in node.outputs if value.name}
    own = ", ".join(quoted(value.name or "") for value in graph.outputs)
    for wish in outputs:
        if wish not in made:
            raise UsageError(
                f"{name}: no node makes a value {quoted(wish)}{closest(wish, made)}",
                help=f"the model's own outputs are {own}",
            )
    if not outputs or len(set(outputs)) < len(outputs):
        raise UsageError(
            f"{name}: {'an output is named twice' if outputs else 'no outputs are named'}",
            help="name each value once: --outputs first,second",
        )
    graph.outputs[:] = [made[wish] for wish in outputs]
    RemoveUnusedNodesPass()(model)
    graph.inputs[:] = [value for value in graph.inputs if value.uses()]


def infer_outputs(model: ir.Model) -> None:
    """Find the types of outputs that lack them: onnx.checker and every later stage wants them.

    Args:
        model: Changed in place.
    """
    if all(value.type is not None and value.shape is not None for value in model.graph.outputs):
        return
    inferred = onnx.shape_inference.infer_shapes(ir.to_proto(model))
    for value, info in zip(model.graph.outputs, inferred.graph.output, strict=True):
        found = ir.from_proto(info)
        value.type, value.shape = found.type, found.shape
