"""Assignments to a part of a tensor: x[2:4, -3:] = values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import (
    attribute,
    axis_of,
    constant,
    elements,
    integers,
    operand,
    scalar,
    small_constant,
)
from ...compiler.ir.provenance import inherit
from ...compiler.ir.sizes.analysis import Partial, stored
from ...compiler.ir.sizes.grids import LARGEST
from ..base import graph_pass
from ..rewrite import TO_THE_END, Site, only_source, set_attribute, set_inputs, sites

NOTHING = ir.tensor(np.zeros(1, np.float32))
"""What ConstantOfShape writes where it does not say."""


@dataclass(frozen=True)
class Part:
    """What is assigned to along one axis, its bounds as Python counts them."""

    axis: int
    start: int
    end: int


@graph_pass(after=("infer_shapes", "fold_constants"), writes=("SliceScatter",))
def fuse_slice_scatter(graph: ir.Graph) -> int:
    """Replace a ScatterND to a grid of consecutive indices by onnx2ms.SliceScatter.

    So x[2:4, -3:] = values is exported: by the legacy exporter at once, by dynamo axis by axis
    (`slice_scatter`), the axis brought to the front.
    """
    fused = 0
    for site in sites(graph, "ScatterND"):
        shape = stored(site[0])
        if shape is None or attribute(site.node, "reduction", "none") != "none":
            continue
        if site.node.outputs[0].dtype is ir.DataType.BFLOAT16:
            continue  # MindSpore 2.10 does not assign to a part of such a tensor
        parts = _constant_parts(site[1], shape) or _computed_parts(site[1], shape)
        if parts is None:
            continue
        whole = [part for part in parts if (part.start, part.end) != (0, TO_THE_END)] or parts[:1]
        _write(site.node, site[0], _one_element(site, site[2]), whole)
        fused += 1
    if fused:
        for site in sites(graph, "Transpose"):
            _turn(site)
        for node in list(graph):
            if (node.domain, node.op_type) == (DOMAIN, "SliceScatter"):
                _merge(node, graph)
    return fused


def _constant_parts(index: ir.Value | None, shape: Partial) -> list[Part] | None:
    """Return what constant indices assign to, if they are consecutive along every axis."""
    array = small_constant(index, LARGEST)
    if array is None or not array.size or array.shape[-1] != array.ndim - 1:
        return None
    sizes = [size if isinstance(size, int) else 0 for size in shape[: array.shape[-1]]]
    array = array.astype(np.int64)
    array = np.where(array < 0, array + np.array(sizes), array)  # from the end, where it is known
    starts = array.reshape(-1, array.shape[-1])[0]
    grid = np.moveaxis(np.indices(array.shape[:-1]), 0, -1) + starts
    if not np.array_equal(array, grid) or (starts < 0).any():
        return None
    ends = [int(start) + size for start, size in zip(starts, array.shape[:-1], strict=True)]
    return [
        Part(axis, int(start), TO_THE_END if end == shape[axis] else end)
        for axis, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def _computed_parts(index: ir.Value | None, shape: Partial) -> list[Part] | None:
    """Return what a grid of ranges, of axes whose size is open, assigns to."""
    dims = stored(index)
    maker = None if index is None else index.producer()
    if index is None or maker is None or not dims:
        return None
    columns = [index]
    if not maker.domain and maker.op_type == "Concat":
        if axis_of(attribute(maker, "axis", 0), len(dims)) != len(dims) - 1:
            return None
        columns = [value for value in maker.inputs if value is not None]
    if len(dims) != len(columns) + 1:
        return None
    parts: list[Part] = []
    for axis, column in enumerate(columns):
        vector = _vector(column, axis)
        bounds = None if vector is None else _bounds(vector, shape[axis])
        if bounds is None:
            return None
        parts.append(Part(axis, *bounds))
    return parts


def _vector(value: ir.Value, axis: int) -> ir.Value | None:
    """Return the vector that a value holds along an axis, the same along all others; or None."""
    while (dims := stored(value)) is not None and len(dims) > 1:
        node = value.producer()
        source = None if node is None else operand(node, 0)
        before = stored(source)
        if node is None or node.domain or source is None or before is None:
            return None
        if node.op_type == "Expand":
            place = axis - (len(dims) - len(before))
            if place < 0 or before[place] != dims[axis]:
                return None
        elif node.op_type in ("Reshape", "Unsqueeze"):
            long = [[i for i, size in enumerate(sizes) if size != 1] for sizes in (dims, before)]
            same = [dims[i] for i in long[0]] == [before[i] for i in long[1]]
            if axis not in long[0] or not same or None in dims:
                return None
            place = long[1][long[0].index(axis)]
        else:
            return None
        value, axis = source, place
    return value if dims is not None else None


def _bounds(vector: ir.Value, size: int | object) -> tuple[int, int] | None:
    """Return from where to where a part of 0, 1, 2 … of an axis runs."""
    numbers = integers(vector)
    if numbers is not None:
        start = numbers[0] if numbers else -1
        end = start + len(numbers)
        if start < 0 or numbers != tuple(range(start, end)):
            return None
        return start, TO_THE_END if end == size else end
    node = vector.producer()
    start, end = 0, TO_THE_END
    if node is not None and not node.domain and node.op_type == "Slice":
        cut = [integers(operand(node, i)) for i in (1, 2)]
        axes, steps = (integers(operand(node, i)) for i in (3, 4))
        if None in cut or axes not in (None, (0,)) or steps not in (None, (1,)):
            return None
        start, end = (bounds[0] if bounds else 0 for bounds in cut)
        vector = node.inputs[0] or vector
        node = vector.producer()
    if node is None or node.domain or node.op_type != "Range" or stored(vector) != (size,):
        return None
    first, step = (scalar(operand(node, i)) for i in (0, 2))
    return (start, min(end, TO_THE_END)) if (first, step) == (0, 1) else None


def _write(node: ir.Node, x: ir.Value | None, source: ir.Value | None, parts: list[Part]) -> None:
    """Turn a node into an assignment to a part of x."""
    node.op_type, node.domain = "SliceScatter", DOMAIN
    node.attributes.clear()
    ordered = sorted(parts, key=lambda part: part.axis)
    set_attribute(node, "axes", [part.axis for part in ordered])
    set_attribute(node, "starts", [part.start for part in ordered])
    set_attribute(node, "ends", [part.end for part in ordered])
    set_inputs(node, x, source)


def _parts_of(node: ir.Node) -> list[Part]:
    bounds: list[Sequence[int]] = [attribute(node, n, ()) for n in ("axes", "starts", "ends")]
    return [Part(*part) for part in zip(*bounds, strict=True)]


def _one_element(site: Site, source: ir.Value | None) -> ir.Value | None:
    """Return the one element that all values are, or the values themselves."""
    value = source
    while value is not None and (node := value.producer()) is not None and not node.domain:
        if node.op_type == "ConstantOfShape":
            tensor: ir.TensorProtocol = attribute(node, "value", NOTHING)
            return site.constant(elements(tensor).reshape(()), "value", tensor.dtype)
        if node.op_type not in ("Expand", "Reshape", "Transpose", "Unsqueeze"):
            break
        value = operand(node, 0)
    if value is None or source is None or value.dtype is None:
        return source
    array = constant(value)
    if array is not None and array.size and (array == array.reshape(-1)[0]).all():
        return site.constant(array.reshape(-1)[0], "value", value.dtype)
    shape, rank = stored(value), len(stored(site[0]) or ())
    single = shape is not None and set(shape) <= {1} and len(shape) <= rank
    return value if single else source


def _turn(site: Site) -> None:
    """Assign to a tensor itself what is assigned to it transposed, and transposed back."""
    back: Sequence[int] = attribute(site.node, "perm", ())
    scatter = only_source(site.node, "SliceScatter", domain=DOMAIN)
    ahead = None if scatter is None or scatter.inputs[0] is None else scatter.inputs[0].producer()
    if scatter is None or ahead is None or ahead.domain or ahead.op_type != "Transpose":
        return
    perm: Sequence[int] = attribute(ahead, "perm", ())
    if any(perm[axis] != i for i, axis in enumerate(back)):
        return
    source = scatter.inputs[1]
    if source is not None and set(stored(source) or ()) != set():
        source = site.add("Transpose", [source], dtype=source.dtype, perm=back)
    inherit([site.node], [scatter, site.node])
    parts = [replace(part, axis=perm[part.axis]) for part in _parts_of(scatter)]
    _write(site.node, ahead.inputs[0], source, parts)
    site.graph.remove(scatter, safe=True)


def _merge(node: ir.Node, graph: ir.Graph) -> None:
    """Assign to x[a, b] at once what is assigned to part b of x[a], and that to x[a]."""
    inner = only_source(node, "SliceScatter", index=1, domain=DOMAIN)
    outer = _parts_of(node)
    cut = None if inner is None or inner.inputs[0] is None else inner.inputs[0].producer()
    if inner is None or cut is None or cut.domain or cut.op_type != "Slice":
        return
    starts, ends, axes, steps = (integers(operand(cut, i)) for i in (1, 2, 3, 4))
    if cut.inputs[0] is not node.inputs[0] or starts is None or ends is None:
        return
    ends = tuple(min(end, TO_THE_END) for end in ends)
    taken = [Part(*part) for part in zip(axes or range(len(starts)), starts, ends, strict=True)]
    parts = _parts_of(inner)
    apart = {part.axis for part in parts}.isdisjoint(part.axis for part in outer)
    if taken == outer and apart and steps in (None, (1,) * len(outer)):
        inherit([node], [inner, node])
        _write(node, node.inputs[0], inner.inputs[1], [*outer, *parts])
        graph.remove(inner, safe=True)
