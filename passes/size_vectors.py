"""Shapes for operators that a pass writes: numbers, and sizes of tensors that are at hand."""

from collections.abc import Sequence
from itertools import groupby

import onnx_ir as ir

from ..compiler.ir.dims import Size
from ..compiler.ir.sizes.analysis import stored
from .rewrite import Site

INT64 = ir.DataType.INT64


def size_vector(site: Site, sizes: Sequence[Size], sources: Sequence[ir.Value]) -> ir.Value | None:
    """Return a vector of sizes: numbers, and dimensions of tensors; None if one is neither.

    Args:
        site: The node before which it is computed.
        sizes: The sizes, as `known_shape` gives them.
        sources: Tensors known before the node, in whose shapes open sizes are looked for.
    """
    places = [_place(size, sources) for size in sizes]
    if None in places:
        return None
    if all(isinstance(size, int) for size in sizes):
        return site.ints([size for size in sizes if isinstance(size, int)], "shape")
    parts: list[ir.Value] = []
    numbered = [(place, size) for place, size in zip(places, sizes, strict=True) if place]
    for is_number, group in groupby(numbered, lambda item: item[0][0] is None):
        members = list(group)
        if is_number:
            parts.append(site.ints([s for _, s in members if isinstance(s, int)], "sizes"))
            continue
        for (source, axis), _ in members:
            part = site.add("Shape", [source], start=axis, end=axis + 1, dtype=INT64)
            part.shape = ir.Shape([1])
            parts.append(part)
    if len(parts) == 1:
        return parts[0]
    joined = site.add("Concat", parts, axis=0, dtype=INT64)
    joined.shape = ir.Shape([len(sizes)])
    return joined


def _place(size: Size, sources: Sequence[ir.Value]) -> tuple[ir.Value | None, int] | None:
    """Return which dimension of which tensor a size is; of no tensor if it is a number."""
    if isinstance(size, int):
        return None, 0
    for source in sources:
        for axis, found in enumerate(stored(source) or ()):
            if found == size:
                return source, axis
    return None
