"""Scaled dot-product attention."""

import math

import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import (
    attribute,
    axis_of,
    rank_of,
    shape_of,
)
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import Pattern, op, symbol
from ..pattern import scalar as any_number
from ..rewrite import Names, Site, set_attribute
from .masks import is_causal, is_finite, seen
from .ungroup import ungrouped
from .untranspose import Plain, untransposed


def scaled(value: Pattern, name: str) -> Pattern:
    """Return a value, times a number, or divided by one."""
    return value * any_number(name) | value / any_number(f"1 / {name}") | value


SCORES = op("MatMul", scaled(symbol("q"), "a"), scaled(symbol("k'"), "b"))
BIASED = scaled(SCORES, "c") + symbol("bias")
WEIGHTS = op("Softmax", BIASED | scaled(SCORES, "c"))
GUARDED = op("Where", op("IsNaN", WEIGHTS), 0, WEIGHTS)
ATTENTION = (op("MatMul", GUARDED, symbol("v")), op("MatMul", WEIGHTS, symbol("v")))


@graph_pass(after=("fuse_linear",), writes=("Attention", "BiasedAttention"))
def fuse_attention(graph: ir.Graph) -> int:
    """Replace softmax(q k' * scale + mask) v by Attention.

    The operator gives zeros to a query that is kept from every key, where the formula gives NaN
    unless it is guarded: where that may happen, and of other ranks than 4, it becomes
    onnx2ms.Attention or onnx2ms.BiasedAttention, which say the formula.
    """
    fused = 0
    names = Names(graph)
    for match in find(graph, *ATTENTION):
        fused += _fuse(match, Site(match.root, names))
    return fused


def _fuse(match: Match, site: Site) -> bool:
    plain, rank = untransposed(match["k'"]), rank_of(match["q"])
    if plain is None or rank is None or not _fits(match, rank):
        return False
    form = _form(match)
    if form is None:
        return False
    domain, bias = form
    inputs = [match["q"], *_keys_and_values(match, plain, site)]
    scale, query = _scale(match), shape_of(match["q"])
    if domain:
        inputs += [] if bias is None else [bias]
        name = "Attention" if bias is None else "BiasedAttention"
        replace(match, name, inputs, domain=domain, scale=scale)
        return True
    causal = bias is not None and is_causal(bias)
    inputs += [] if bias is None or causal else [_whole(bias, match, site)]
    new = replace(match, "Attention", inputs)
    if query is None or not math.isclose(scale, query[-1] ** -0.5, rel_tol=1e-6):
        set_attribute(new, "scale", scale)  # not the operator's own
    if causal:
        set_attribute(new, "is_causal", 1)
    return True


def _keys_and_values(match: Match, plain: Plain, site: Site) -> list[ir.Value]:
    """Return keys and values, before they were repeated where several queries share a head."""
    shape, value_shape = shape_of(match["k'"]), shape_of(match["v"])
    if shape is not None and value_shape is not None and not plain.perm:
        keys = ungrouped(plain.source, (*shape[:-2], shape[-1], shape[-2]))
        values = ungrouped(match["v"], value_shape)
        if keys is not None and values is not None:
            return [keys, values]
    return [plain.make(site), match["v"]]


def _fits(match: Match, rank: int) -> bool:
    """Tell whether nothing is broadcast but the mask, and the softmax is over the keys."""
    axis: int = attribute(match.made_by[WEIGHTS], "axis", -1)
    shapes = [match[name].shape for name in ("q", "k'", "v")]
    if rank < 3 or axis_of(axis, rank) != rank - 1 or match.result.shape is None:
        return False
    query, keys, values = ([] if shape is None else list(shape)[:-2] for shape in shapes)
    if len(query) != rank - 2 or keys != values:
        return False
    if keys != query and (rank != 4 or keys != [query[0], 1]):  # one head for all queries
        return False
    whole = match["q"].shape
    return whole is not None and list(match.result.shape)[:-1] == list(whole)[:-1]


def _form(match: Match) -> tuple[str, ir.Value | None] | None:
    """Return the domain of the operator that says the same, and its mask; None if none does.

    A guard against NaN matters where a query may be kept from every key: the operator of ai.onnx
    has it, that of onnx2ms has not.
    """
    bias, guarded = match.values.get("bias"), GUARDED in match.made_by
    one_head = list(match["q"].shape or ())[:-2] != list(match["k'"].shape or ())[:-2]
    if bias is None:
        return ("" if rank_of(match["q"]) == 4 else DOMAIN), None
    shown = seen(bias) if guarded and rank_of(match["q"]) == 4 else None
    if shown is not None and rank_of(shown) in (2, 4):
        return "", shown
    if _is_whole(bias, match) and (guarded or is_finite(bias)):
        return "", bias
    if one_head or (guarded and not is_finite(bias)):
        return None
    return DOMAIN, bias


def _is_whole(mask: ir.Value, match: Match) -> bool:
    """Tell whether a mask has all queries and keys, as onnxruntime 1.31 demands of Attention."""
    shape, query, keys = shape_of(mask), shape_of(match["q"]), shape_of(match["k'"])
    if shape is None or query is None or keys is None or len(query) != 4:
        return False
    return len(shape) in (2, 4) and shape[-2:] == (query[-2], keys[-1])


def _whole(mask: ir.Value, match: Match, site: Site) -> ir.Value:
    """Return a mask that has all queries and keys."""
    shape, query, keys = shape_of(mask), shape_of(match["q"]), shape_of(match["k'"])
    if _is_whole(mask, match) or shape is None or query is None or keys is None:
        return mask
    wanted = (*shape[:-2], query[-2], keys[-1])
    spread = site.add("Expand", [mask, site.ints(wanted, "sizes")], dtype=mask.dtype)
    spread.shape = ir.Shape(wanted)
    return spread


def _scale(match: Match) -> float:
    """Return what the scores are multiplied by."""
    numbers = match.numbers
    factors = [numbers.get(name, 1.0) for name in ("a", "b", "c")]
    divisors = [numbers.get(f"1 / {name}", 1.0) for name in ("a", "b", "c")]
    return math.prod(factors) / math.prod(divisors)
