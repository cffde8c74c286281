"""Normalizations with the residual sum before them."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute
from ..rewrite import Site
from .rules import contrib, dtype_of, is_read, number, replace_outputs, total

SUM = 3
"""Output that is the sum which is normalized."""


@contrib("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
def skip_normalization(site: Site) -> bool:
    """LayerNormalization or RMSNormalization of input + skip + bias."""
    if is_read(site, 1) or is_read(site, 2):
        return False
    simple = site.node.op_type == "SkipSimplifiedLayerNormalization"
    dtype, epsilon = dtype_of(site[0]), number(site, "epsilon", 1e-12)
    summed = total(site, site[0], site[1], site[3 if simple else 4])
    op_type = "RMSNormalization" if simple else "LayerNormalization"
    inputs = [summed, site[2]] if simple else [summed, site[2], site[3]]
    result = site.add(op_type, inputs, axis=-1, epsilon=epsilon, dtype=dtype)
    found = {0: result}
    if is_read(site, SUM) and summed is not None:
        found[SUM] = summed
    replace_outputs(site, found)
    return True


@contrib("SimplifiedLayerNormalization")
def simplified_normalization(site: Site) -> bool:
    """RMSNormalization."""
    if is_read(site, 1):
        return False
    axis, epsilon = attribute(site.node, "axis", -1), number(site, "epsilon", 1e-5)
    dtype = dtype_of(site[0])
    site.replace(
        site.add("RMSNormalization", [site[0], site[1]], axis=axis, epsilon=epsilon, dtype=dtype)
    )
    return True


@contrib("EmbedLayerNormalization")
def embed_normalization(site: Site) -> bool:
    """LayerNormalization of the sum of the embeddings of words, positions and segments."""
    words = site.add("Gather", [site[2], site[0]], dtype=dtype_of(site[2]))
    positions = site[8]
    if positions is None:
        bounds = [site.ints([0], "start"), None, site.ints([0], "axes")]
        length = site.add("Shape", [site[0]], start=1, end=2, dtype=ir.DataType.INT64)
        bounds[1] = length
        positions = site.add("Slice", [site[3], *bounds], dtype=dtype_of(site[3]))
    else:
        positions = site.add("Gather", [site[3], positions], dtype=dtype_of(site[3]))
    segments = None
    if site[1] is not None and site[4] is not None:
        segments = site.add("Gather", [site[4], site[1]], dtype=dtype_of(site[4]))
    summed = total(site, words, positions, segments)
    epsilon = number(site, "epsilon", 1e-12)
    inputs = [summed, site[5], site[6]]
    result = site.add(
        "LayerNormalization", inputs, axis=-1, epsilon=epsilon, dtype=dtype_of(site[2])
    )
    found = {0: result}
    if is_read(site, 1):
        found[1] = mask_lengths(site)
    if is_read(site, 2) and summed is not None:
        found[2] = summed
    replace_outputs(site, found)
    return True


def mask_lengths(site: Site) -> ir.Value:
    """Insert how many tokens of each sequence the mask keeps; zeros without a mask."""
    int32 = ir.DataType.INT32
    axes = site.ints([1], "axes")
    if site[7] is not None:
        return site.add("ReduceSum", [site[7], axes], keepdims=0, dtype=int32)
    none = site.add("Cast", [site[0]], to=int(int32), dtype=int32)
    zeros = site.add("Mul", [none, site.constant(0, "zero", int32)], dtype=int32)
    return site.add("ReduceSum", [zeros, axes], keepdims=0, dtype=int32)
