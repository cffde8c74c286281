"""Normalization over groups of channels, taken apart for want of the operator below opset 18."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, constant, integers, is_constant, operand, shape_of
from ..base import graph_pass
from ..matching import Match, find, replace, same_shape
from ..pattern import op, symbol
from ..rewrite import Names, Site
from .parameters import Known, as_vector, made_up

X, SCALE, BIAS = (symbol(name, None if name == "x" else is_constant) for name in ("x", "w", "b"))
ONES, ZEROS = symbol("ones"), symbol("zeros")
GROUPS = op("Reshape", X, symbol("groups"))
NORMALIZED = op("InstanceNormalization", GROUPS, ONES, ZEROS)
NORMAL = op("Reshape", NORMALIZED, symbol("shape"))
GROUP_NORM = (NORMAL * SCALE + BIAS, NORMAL)
SINGLE = op("InstanceNormalization", X, ONES, ZEROS)
INSTANCE_NORM = SINGLE * SCALE + BIAS


@graph_pass(after=("infer_shapes", "fold_constants"))
def fuse_group_norm(graph: ir.Graph) -> int:
    """Replace an InstanceNormalization of channels joined to groups by GroupNormalization.

    Where each channel is a group its scale and bias become InstanceNormalization's own.
    """
    names, known = Names(graph), Known()
    fused = _fuse_single(graph, names, known)
    for match in find(graph, *GROUP_NORM):
        groups = _groups(match)
        if not groups:
            continue
        site = Site(match.root, names)
        parameters = _parameters(match, site, known)
        if None in parameters:
            continue
        epsilon = attribute(match.made_by[NORMALIZED], "epsilon", 1e-5)
        inputs = [match["x"], *parameters]
        replace(match, "GroupNormalization", inputs, num_groups=groups, epsilon=epsilon)
        fused += 1
    return fused


def _fuse_single(graph: ir.Graph, names: Names, known: Known) -> int:
    fused = 0
    for match in find(graph, INSTANCE_NORM):
        channels = match["ones"].shape
        size = channels[0] if channels is not None and len(channels) == 1 else None
        x = match["x"].shape
        plain = _is_filled(match["ones"], 1) and _is_filled(match["zeros"], 0)
        if not plain or x is None or len(x) < 3 or not isinstance(size, int):
            continue
        site, axis = Site(match.root, names), 1 - len(x)
        parameters = [as_vector(site, match[name], size, axis, known) for name in ("w", "b")]
        if None in parameters:
            continue
        epsilon = attribute(match.made_by[SINGLE], "epsilon", 1e-5)
        replace(match, "InstanceNormalization", [match["x"], *parameters], epsilon=epsilon)
        fused += 1
    return fused


def _groups(match: Match) -> int:
    """Return into how many groups the channels are joined; 0 if that is not what happens."""
    x, joined = match["x"].shape, operand(match.made_by[NORMALIZED], 0)
    if x is None or len(x) < 3 or not isinstance(x[1], int) or not same_shape(match, "x"):
        return 0
    before, after = shape_of(match["x"]), shape_of(joined)
    if before is not None and after is not None:
        groups = after[1] if len(after) == 3 and after[0] == before[0] else 0
    else:
        wanted = integers(match["groups"]) or ()
        groups = wanted[1] if len(wanted) == 3 and (wanted[0], wanted[2]) == (0, -1) else 0
    plain = _is_filled(match["ones"], 1) and _is_filled(match["zeros"], 0)
    return groups if plain and groups > 0 and x[1] % groups == 0 else 0


def _is_filled(value: ir.Value, element: int) -> bool:
    array = constant(value)
    return array is not None and bool(np.all(np.equal(array, element)))


def _parameters(match: Match, site: Site, known: Known) -> list[ir.Value | None]:
    """Return scale and bias, one element a channel each."""
    shape, dtype = match["x"].shape, match["x"].dtype
    assert shape is not None, "its groups are known"
    channels, axis = int(shape[1]), 1 - len(shape)  # type: ignore[arg-type]
    if "w" in match.values:
        return [as_vector(site, match[name], channels, axis, known) for name in ("w", "b")]
    return [*made_up(site, (channels,), dtype or ir.DataType.FLOAT)]
