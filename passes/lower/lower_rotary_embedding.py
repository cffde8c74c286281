"""Rotary embeddings of a part of each head, of pairs that lie together, or of heads in one axis."""

import onnx_ir as ir

from ...compiler.ir.graph import attribute, operand, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import TO_THE_END, Site, sites


@graph_pass(after=("infer_shapes",))
def lower_rotary_embedding(graph: ir.Graph) -> int:
    """Write RotaryEmbedding out, but where it turns the halves of all of heads of rank 4."""
    return sum(_lower(site) for site in sites(graph, "RotaryEmbedding") if not _is_plain(site.node))


def _is_plain(node: ir.Node) -> bool:
    interleaved = attribute(node, "interleaved", 0) or attribute(node, "rotary_embedding_dim", 0)
    return rank_of(operand(node, 0)) == 4 and not interleaved


def _lower(site: Site) -> bool:
    node, shape = site.node, shape_of(site[0])
    x = site[0]
    if x is None or rank_of(x) is None:
        return False
    if shape is None:
        return _lower_open(site)
    dtype = x.dtype
    flat = len(shape) == 3
    heads = attribute(node, "num_heads", 0)
    size = shape[2] // heads if flat else shape[3]
    if flat:  # (batch, sequence, heads, size); of rank 4 it is (batch, heads, sequence, size)
        x = site.add("Reshape", [x, site.ints([0, 0, heads, size], "heads")], dtype=dtype)
    turned = attribute(node, "rotary_embedding_dim", 0) or size
    rest = None if turned == size else _cut(site, x, turned, size, 1)
    cosine, sine = (_cache(site, index, 2 if flat else 1) for index in (1, 2))
    if attribute(node, "interleaved", 0):
        first, second = _cut(site, x, 0, turned, 2), _cut(site, x, 1, turned, 2)
    else:
        first = _cut(site, x, 0, turned // 2, 1)
        second = _cut(site, x, turned // 2, turned, 1)
    real = site.add("Sub", [_times(site, first, cosine), _times(site, second, sine)], dtype=dtype)
    imaginary = site.add(
        "Add", [_times(site, first, sine), _times(site, second, cosine)], dtype=dtype
    )
    parts = [real, imaginary]
    if attribute(node, "interleaved", 0):
        last = site.ints([-1], "axes")
        parts = [site.add("Unsqueeze", [part, last], dtype=dtype) for part in parts]
        pairs = site.add("Concat", parts, axis=-1, dtype=dtype)
        parts = [site.add("Reshape", [pairs, site.ints([0, 0, 0, turned], "pairs")], dtype=dtype)]
    parts += [rest] if rest is not None else []
    result = parts[0] if len(parts) == 1 else site.add("Concat", parts, axis=-1, dtype=dtype)
    if flat:
        result = site.add("Reshape", [result, site.ints([0, 0, -1], "shape")], dtype=dtype)
    site.replace(result)
    return True


def _lower_open(site: Site) -> bool:
    """Write a RotaryEmbedding of open sizes as that of all elements of rank 4, turned by halves."""
    node, x = site.node, site[0]
    if x is None:
        return False
    dtype, flat = x.dtype, rank_of(x) == 3
    turned, pairs = attribute(node, "rotary_embedding_dim", 0), attribute(node, "interleaved", 0)
    if flat:
        heads = site.ints([0, 0, attribute(node, "num_heads", 0), -1], "heads")
        x = site.add("Reshape", [x, heads], dtype=dtype)
        x = site.add("Transpose", [x], perm=(0, 2, 1, 3), dtype=dtype)
    rest = _cut(site, x, turned, TO_THE_END, 1) if turned else None
    x = _cut(site, x, 0, turned, 1) if turned else x
    if pairs:  # elements that lie together are those of the two halves
        halves = [_cut(site, x, first, TO_THE_END, 2) for first in (0, 1)]
        x = site.add("Concat", halves, axis=-1, dtype=dtype)
    x = site.add("RotaryEmbedding", [x, *node.inputs[1:]], dtype=dtype)
    if pairs:
        apart = site.add("Reshape", [x, site.ints([0, 0, 0, 2, -1], "halves")], dtype=dtype)
        apart = site.add("Transpose", [apart], perm=(0, 1, 2, 4, 3), dtype=dtype)
        x = site.add("Reshape", [apart, site.ints([0, 0, 0, -1], "together")], dtype=dtype)
    if rest is not None:
        x = site.add("Concat", [x, rest], axis=-1, dtype=dtype)
    if flat:
        x = site.add("Transpose", [x], perm=(0, 2, 1, 3), dtype=dtype)
        x = site.add("Reshape", [x, site.ints([0, 0, -1], "shape")], dtype=dtype)
    site.replace(x)
    return True


def _cut(site: Site, value: ir.Value, start: int, end: int, step: int) -> ir.Value:
    """Insert a Slice of the last axis."""
    bounds = {"start": start, "end": end, "axis": -1, "step": step}
    operands = [site.ints([number], role) for role, number in bounds.items()]
    return site.add("Slice", [value, *operands], dtype=value.dtype)


def _times(site: Site, value: ir.Value, factor: ir.Value) -> ir.Value:
    return site.add("Mul", [value, factor], dtype=value.dtype)


def _cache(site: Site, index: int, axis: int) -> ir.Value:
    """Insert the cosines or sines of each position, with an axis for the heads."""
    cache, positions = site[index], site[3]
    dtype = cache.dtype if cache is not None else None
    if positions is not None:
        cache = site.add("Gather", [cache, positions], dtype=dtype)
    return site.add("Unsqueeze", [cache, site.ints([axis], "axes")], dtype=dtype)
