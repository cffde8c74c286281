"""Whether a graph in the midst of its way is a valid one."""

import onnx
import onnx_ir as ir

from ..compiler.ir.errors import PassError
from .skeleton import Skeleton, skeleton


def check_form(proto: onnx.ModelProto, title: str, *, shapes: bool, help: str = "") -> None:
    """Check a model that a pass has left.

    Args:
        proto: The model, without its weights.
        title: What the pass is called.
        shapes: Whether the shapes in it must fit together.
        help: What to do about it.

    Raises:
        PassError: onnx.checker refuses it.
    """
    try:
        onnx.checker.check_model(  # pyright: ignore[reportUnknownMemberType]
            proto, full_check=shapes
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise PassError(f"{title} left an invalid model: {error}", help=help) from error


def has_branches(model: ir.Model) -> bool:
    """Tell whether there is a branch that may never be taken, and whose shapes need not fit."""
    return any(node.op_type == "If" for node in model.graph.all_nodes())


def annotated(model: ir.Model) -> Skeleton:
    """Return a model without its weights, with every type and shape that is known."""
    return bare(model, annotate=True)


def bare(model: ir.Model, *, annotate: bool) -> Skeleton:
    """Return a model without its weights: it may be larger than memory or 2 GB."""
    return skeleton(
        model.graph,
        opsets=model.opset_imports,
        functions=model.functions.values(),
        annotate=annotate,
    )
