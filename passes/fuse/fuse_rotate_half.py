"""The rotation by which rotary position embeddings turn pairs of elements."""

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, axis_of
from ..base import graph_pass
from ..cuts import BACK, FRONT, X, cut_of
from ..matching import Match, find, replace
from ..pattern import op, symbol

SLICED = op("Concat", -FRONT, BACK)
HALVES = op("Split", X, symbol("sizes")), op("Split", X, symbol("sizes"), output=1)
EQUAL = op("Split", X), op("Split", X, output=1)
SPLIT = tuple(op("Concat", -second, first) for first, second in (HALVES, EQUAL))


@graph_pass(after=("infer_shapes", "fold_constants"), writes=("RotateHalf",))
def fuse_rotate_half(graph: ir.Graph) -> int:
    """Replace concat(-second half, first half) along the last axis by onnx2ms.RotateHalf.

    RotaryEmbedding of ai.onnx would want the halves of cosine and sine, for every sample of the
    batch; x * cos + rotate_half(x) * sin is how people write it.
    """
    fused = 0
    for match in find(graph, SLICED, *SPLIT):
        if _is_half(match):
            replace(match, "RotateHalf", [match["x"]], domain=DOMAIN)
            fused += 1
    return fused


def _is_half(match: Match) -> bool:
    """Tell whether the parts are the halves of the last axis, and are joined along it."""
    shape = match["x"].shape
    size = shape[-1] if shape is not None and len(shape) else None
    if shape is None or not isinstance(size, int) or size < 2 or size % 2:
        return False
    rank, half = len(shape), size // 2
    if axis_of(attribute(match.root, "axis", 0), rank) != rank - 1:
        return False
    parts = [node for node in match.nodes if node.op_type in ("Slice", "Split")]
    if parts[0].op_type == "Split":
        outputs = [value.shape for node in parts for value in node.outputs]
        sizes = [dims[-1] for dims in outputs if dims is not None and len(dims) == rank]
        return len(parts) == 1 and sizes == [half, half]
    first, second = (cut_of(match, suffix, rank - 1, rank, size) for suffix in ("", " 2"))
    return first == (0, half) and second == (half, size)
