"""Blocks of pixels that become channels, and back."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import attribute, shape_of
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import op, symbol

X = symbol("x")
SPLIT = op("Reshape", X, symbol("split"))
MOVED = op("Transpose", SPLIT)
REARRANGED = op("Reshape", MOVED, symbol("joined"))

UNSHUFFLE, SPACE_TO_DEPTH = (0, 1, 3, 5, 2, 4), (0, 3, 5, 1, 2, 4)
SHUFFLE, DEPTH_TO_SPACE = (0, 1, 4, 2, 5, 3), (0, 3, 4, 1, 5, 2)


@graph_pass(after=("infer_shapes", "fold_constants"), writes=("PixelUnshuffle",))
def fuse_pixel_shuffle(graph: ir.Graph) -> int:
    """Replace Reshape, Transpose, Reshape by DepthToSpace, SpaceToDepth or onnx2ms.PixelUnshuffle.

    PyTorch's pixel_unshuffle keeps the pixels of a channel together, SpaceToDepth the channels of
    a pixel: of one channel they are the same.
    """
    return sum(_fuse(match) for match in find(graph, REARRANGED))


def _fuse(match: Match) -> bool:
    before, after = shape_of(match["x"]), shape_of(match.result)
    split = shape_of(match.made_by[SPLIT].outputs[0])
    if before is None or after is None or split is None or len(before) != 4 or len(split) != 6:
        return False
    perm: tuple[int, ...] = attribute(match.made_by[MOVED], "perm", ())
    batch, channels, height, width = before
    block = split[3] if perm in (UNSHUFFLE, SPACE_TO_DEPTH) else split[2 if perm == SHUFFLE else 1]
    if block < 2:
        return False
    inputs, area = [match["x"]], block * block
    if perm in (UNSHUFFLE, SPACE_TO_DEPTH):
        parts: Sequence[int] = (batch, channels, height // block, block, width // block, block)
        whole = (batch, channels * area, height // block, width // block)
        if tuple(split) != parts or after != whole:
            return False
        if perm == UNSHUFFLE and channels > 1:
            replace(match, "PixelUnshuffle", inputs, domain=DOMAIN, blocksize=block)
        else:
            replace(match, "SpaceToDepth", inputs, blocksize=block)
        return True
    depth = channels // area
    blocks = (depth, block, block) if perm == SHUFFLE else (block, block, depth)
    whole = (batch, depth, height * block, width * block)
    if perm not in (SHUFFLE, DEPTH_TO_SPACE) or after != whole:
        return False
    if tuple(split) != (batch, *blocks, height, width):
        return False
    mode = "CRD" if perm == SHUFFLE else "DCR"
    replace(match, "DepthToSpace", inputs, blocksize=block, mode=mode)
    return True
