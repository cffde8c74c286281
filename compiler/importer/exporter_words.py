"""What PyTorch's exporters do to weights, as the weight map says it."""

import math

import onnx_ir as ir

from ..ir.graph import shape_of
from ..ir.moves import Moves
from ..ir.provenance import KEY, add_history, set_moves

FOLDED = "BatchNorm folded in by the exporter"
TRANSPOSED = "transposed by the exporter"
RESHAPED = "reshaped by the exporter"
COMPUTED = "computed by the exporter from others"
UNUSED = "the exported network does not use it"


def set_changed_key(value: ir.Value, key: str, step: str) -> None:
    """Store the key of a weight that an exporter stores in another form than the state_dict has it.

    Args:
        value: The initializer.
        key: Its key.
        step: TRANSPOSED, of a matrix, or RESHAPED, of what has one element a channel.
    """
    value.metadata_props[KEY] = key
    add_history(value, step)
    shape = shape_of(value)
    if shape is not None and step == TRANSPOSED:
        set_moves(value, Moves(shape[::-1], (("transpose", (1, 0)),)))
    elif shape is not None:
        set_moves(value, Moves((math.prod(shape),)).then([("reshape", shape)]))
