"""Masks that differ by window, of attention within windows."""

import onnx_ir as ir

from ...compiler.ir.graph import is_constant
from ...compiler.ir.sizes.analysis import Dims, known_shape, written
from ..base import graph_pass
from ..matching import Match, find
from ..pattern import op, symbol
from ..rewrite import Names, Site
from ..size_vectors import size_vector

SCORES = symbol("scores")
PARTED = op("Reshape", SCORES, symbol("windows"))
JOINED = op("Reshape", PARTED + symbol("mask"), symbol("shape"))
BIASED = op("Add", op("MatMul", symbol("q"), symbol("k'")), symbol("bias"))


@graph_pass(after=("infer_shapes", "fold_constants"))
def fuse_window_mask(graph: ir.Graph) -> int:
    """Let a mask of windows be part of the bias: (scores + bias) + mask is scores + (bias + mask).

    Swin gives the scores an axis of windows for the mask, and takes it away again; a bias of all
    windows, repeated for each picture, needs none.
    """
    fused = 0
    names = Names(graph)
    for match in find(graph, op("Softmax", JOINED)):
        fused += _fuse(match, Site(match.root, names))
    return fused


def _fuse(match: Match, site: Site) -> bool:
    parted, added = (node.outputs[0] for node in match.nodes[:2])
    shapes = [known_shape(value) for value in (match["scores"], parted, match["mask"])]
    whole = known_shape(added)
    joined = known_shape(site.node.inputs[0])
    scores, apart, mask = shapes
    if scores is None or apart is None or mask is None or joined != scores or whole != apart:
        return False
    if not _is_by_window(scores, apart, mask) or not is_constant(match["mask"]):
        return False
    biased = match["scores"].producer()
    if biased is None or biased.op_type != "Add" or len(match["scores"].uses()) != 1:
        return False
    terms = {known_shape(v): v for v in biased.inputs if v is not None and is_constant(v)}
    bias = terms.get((1, *scores[1:]))
    product = next((v for v in biased.inputs if v is not None and v is not bias), None)
    if bias is None or product is None or known_shape(product) != scores:
        return False
    repeats = size_vector(site, (apart[0], 1, 1, 1), site.graph.inputs)
    if repeats is None:
        return False
    dtype = bias.dtype
    numbers = [size for size in mask[1:] if isinstance(size, int)]
    windows = site.add("Reshape", [match["mask"], site.ints(numbers, "windows")], dtype=dtype)
    windows.shape = written(mask[1:])
    both = site.add("Add", [bias, windows], dtype=dtype)
    both.shape = written((apart[1], *scores[1:]))
    if apart[0] != 1:
        both = site.add("Tile", [both, repeats], dtype=dtype)
        both.shape = written(scores)
    total = site.add("Add", [product, both], dtype=dtype)
    total.shape = written(scores)
    site.node.replace_input_with(0, total)
    site.graph.remove([*match.nodes[-2::-1], biased], safe=True)
    return True


def _is_by_window(scores: Dims, apart: Dims, mask: Dims) -> bool:
    """Tell whether the first axis is parted into pictures and windows, and a mask is of windows."""
    if len(scores) != 4 or len(apart) != 5 or apart[2:] != scores[1:] or len(mask) != 5:
        return False
    return mask[0] == 1 and mask[1] == apart[1] and mask[2] == 1 and mask[3:] == apart[3:]
