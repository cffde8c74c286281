"""Shapes of what operators of the domain onnx2ms make."""

from collections.abc import Sequence

from ..graph import attribute, axis_of
from ..recurrent import KINDS, state_names
from .analysis import Partial, Site, shapes
from .computing import without
from .layout import broadcast

Shapes = Sequence[Partial | None]


@shapes("onnx2ms.Dense", "onnx2ms.Linear")
def linear(site: Site) -> Shapes:
    """The weight is (out, in), or (in, out)."""
    data, weight = site.shape(0), site.shape(1)
    if data is None or weight is None:
        return [None]
    channels, made = weight if site.node.op_type == "Linear" else weight[::-1]
    site.equal(data[-1], channels)
    return [(*data[:-1], made)]


@shapes("onnx2ms.Attention", "onnx2ms.BiasedAttention", "onnx2ms.MaskedAttention")
def attention(site: Site) -> Shapes:
    """Queries, with the channels of the values."""
    query, key, value = site.shape(0), site.shape(1), site.shape(2)
    if query is None or key is None or value is None:
        return [None]
    site.equal(key[-2], value[-2])
    heads = broadcast(site, [query[:-2], key[:-2], value[:-2]])
    if (mask := site.shape(3)) is not None:
        broadcast(site, [(*heads, query[-2], key[-2]), mask])
    return [(*heads, query[-2], value[-1])]


@shapes("onnx2ms.RepeatInterleave")
def repeat_interleave(site: Site) -> Shapes:
    """One axis is longer."""
    before = site.shape(0)
    if before is None:
        return [None]
    axis, repeats = attribute(site.node, "axis", 0), attribute(site.node, "repeats", 1)
    return [tuple(size * repeats if i == axis else size for i, size in enumerate(before))]


@shapes("onnx2ms.Roll", "onnx2ms.RotateHalf", "onnx2ms.SliceScatter")
def same(site: Site) -> Shapes:
    """Give the input's shape."""
    return [site.shape(0)]


@shapes("onnx2ms.Glu")
def glu(site: Site) -> Shapes:
    """Half of one axis."""
    before = site.shape(0)
    if before is None:
        return [None]
    axis = axis_of(attribute(site.node, "axis", -1), len(before))
    return [tuple(size // 2 if i == axis else size for i, size in enumerate(before))]


@shapes("onnx2ms.Variance", "onnx2ms.StandardDeviation")
def variance(site: Site) -> Shapes:
    """Reduced axes are 1, or are not there."""
    before = site.shape(0)
    if before is None:
        return [None]
    axes: tuple[int, ...] = attribute(site.node, "axes", ())
    gone = {axis_of(axis, len(before)) for axis in axes}
    return [without(before, gone, keep=bool(attribute(site.node, "keepdims", 1)))]


@shapes("onnx2ms.PixelUnshuffle")
def pixel_unshuffle(site: Site) -> Shapes:
    """Blocks of pixels become channels."""
    before, block = site.shape(0), attribute(site.node, "blocksize", 1)
    if before is None:
        return [None]
    batch, channels, height, width = before
    return [(batch, channels * (block * block), height // block, width // block)]


@shapes(*(f"onnx2ms.{kind}1" for kind in KINDS))
def recurrent(site: Site) -> Shapes:
    """Initial states have as many columns as the batch; what is made is as the graph says."""
    data = site.shape(0)
    batch = 0 if attribute(site.node, "order", (0, 1, 2)) == (1, 0, 2) else 1
    kind = site.node.op_type.rstrip("1")
    for index in range(2, 2 + len(state_names(kind, 1))):
        state = site.shape(index) if site.has(index) else None
        if data is not None and state is not None:
            site.equal(data[batch], state[1])
    return [None] * len(site.node.outputs)
