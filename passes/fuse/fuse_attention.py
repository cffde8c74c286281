"""Scaled dot-product attention."""

import math

import numpy as np
import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import Array, attribute, axis_of, rank_of, small_constant
from ...compiler.ir.sizes.analysis import Dims, known_shape
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import Pattern, op, symbol
from ..pattern import scalar as any_number
from ..rewrite import Names, Site, set_attribute
from .masks import HIDDEN, LARGEST, is_causal, is_finite, leaves_keys, seen, unspread
from .untranspose import untransposed


def scaled(value: Pattern, name: str) -> Pattern:
    """Return a value, times a number, or divided by one."""
    return value * any_number(name) | value / any_number(f"1 / {name}") | value


SCORES = op("MatMul", scaled(symbol("q"), "a"), scaled(symbol("k'"), "b"))
SCALED = scaled(SCORES, "c")
BIASED = SCALED + symbol("bias")
FILL = any_number("fill")
REPLACED = op("Where", symbol("hidden"), FILL, SCALED) | op("Where", symbol("shown"), SCALED, FILL)
WEIGHTS = op("Softmax", BIASED | REPLACED | SCALED)
GUARDED = op("Where", op("IsNaN", WEIGHTS), 0, WEIGHTS)
ATTENTION = (op("MatMul", GUARDED, symbol("v")), op("MatMul", WEIGHTS, symbol("v")))


@graph_pass(after=("fuse_linear",), writes=("Attention", "BiasedAttention", "MaskedAttention"))
def fuse_attention(graph: ir.Graph) -> int:
    """Replace softmax(q k' * scale + mask) v by Attention.

    The operator gives zeros to a query that is kept from every key, where the formula gives NaN
    unless it is guarded: where that may happen, of other ranks than 4, and by masks that are
    broadcast, it becomes onnx2ms.Attention, BiasedAttention or MaskedAttention.
    """
    fused = 0
    names = Names(graph)
    for match in find(graph, *ATTENTION):
        fused += _fuse(match, Site(match.root, names))
    return fused


def _fuse(match: Match, site: Site) -> bool:
    plain, rank = untransposed(match["k'"]), rank_of(match["q"])
    query = known_shape(match["q"])
    if plain is None or rank is None or query is None or not _fits(match, rank):
        return False
    if "fill" in match.numbers:
        if not _is_choice(match):
            return False
        match = match.with_value("bias", _choice(match, site))
    form = _form(match, query)
    if form is None:
        return False
    name, domain, mask = form
    inputs = [match["q"], plain.make(site), match["v"]]
    scale, size = _scale(match), query[-1]
    if domain:
        inputs += [] if mask is None else [mask]
        replace(match, name, inputs, domain=domain, scale=scale)
        return True
    causal = mask is not None and is_causal(mask)
    inputs += [] if mask is None or causal else [mask]
    new = replace(match, name, inputs)
    if not isinstance(size, int) or not math.isclose(scale, size**-0.5, rel_tol=1e-6):
        set_attribute(new, "scale", scale)  # not the operator's own
    if causal:
        set_attribute(new, "is_causal", 1)
    return True


def _fits(match: Match, rank: int) -> bool:
    """Tell whether nothing is broadcast but the mask, and the softmax is over the keys."""
    axis: int = attribute(match.made_by[WEIGHTS], "axis", -1)
    query, keys, values = (known_shape(match[name]) for name in ("q", "k'", "v"))
    result = known_shape(match.result)
    if rank < 3 or axis_of(axis, rank) != rank - 1 or result is None:
        return False
    if query is None or keys is None or values is None or len(keys) != rank:
        return False
    if keys[:-2] != values[:-2]:
        return False
    if keys[:-2] != query[:-2] and (rank != 4 or keys[:-2] != (query[0], 1)):
        return False  # unless all queries have one head
    return result[:-1] == query[:-1]


def _form(match: Match, query: Dims) -> tuple[str, str, ir.Value | None] | None:
    """Return name and domain of the operator that says the same, and its mask; None if none does.

    A guard against NaN matters where a query may be kept from every key: the operator of ai.onnx
    has it, as has MaskedAttention, BiasedAttention has not.
    """
    bias, guarded = match.values.get("bias"), GUARDED in match.made_by
    one_head = query[:-2] != (known_shape(match["k'"]) or ())[:-2]
    if bias is None:
        return "Attention", "" if len(query) == 4 else DOMAIN, None
    bias = unspread(bias)
    shown = seen(bias) if guarded else None
    if shown is not None:
        mask = unspread(shown)
        if _is_whole(mask, match):
            return "Attention", "", mask
        return None if one_head else ("MaskedAttention", DOMAIN, mask)
    needed = guarded and not is_finite(bias)  # the guard, as far as is known
    if _is_whole(bias, match) and (needed or leaves_keys(bias)):
        return "Attention", "", bias
    if one_head or needed:
        return None
    return "BiasedAttention", DOMAIN, bias


def _is_choice(match: Match) -> bool:
    """Tell whether scores that are replaced where a mask hides a key are those with a bias.

    A query that is kept from every key has NaN by the formula: it must be guarded, or not occur.
    """
    seen, fill = _seen(match), match.numbers["fill"]
    if seen is None:
        whole = (known_shape(match["k'"]) or ())[:-2] == (known_shape(match["q"]) or ())[:-2]
        return GUARDED in match.made_by and fill == -math.inf and whole
    return fill <= HIDDEN and seen.ndim > 0 and bool(seen.any(axis=-1).all())


def _seen(match: Match) -> Array | None:
    """Return which keys each query sees, if that is a constant."""
    hidden = match.values.get("hidden")
    mask = small_constant(match["shown"] if hidden is None else hidden, LARGEST)
    return mask if mask is None or hidden is None else np.logical_not(mask)


def _choice(match: Match, site: Site) -> ir.Value:
    """Return the bias that is 0 for keys that a query sees, and -inf for the others."""
    seen, dtype = _seen(match), match["q"].dtype or ir.DataType.FLOAT
    if seen is not None:
        return site.constant(np.where(seen, 0.0, -np.inf), "bias", dtype)
    hidden = match.values.get("hidden")
    shown = match["shown"] if hidden is None else site.add("Not", [hidden], dtype=ir.DataType.BOOL)
    if hidden is not None:
        shown.shape = hidden.shape
    zero, lowest = (site.constant(number, "bias", dtype) for number in (0.0, -np.inf))
    return site.add("Where", [shown, zero, lowest], dtype=dtype)


def _is_whole(mask: ir.Value, match: Match) -> bool:
    """Tell whether a mask has all queries and keys, as onnxruntime 1.31 demands of Attention."""
    shape, query, keys = (known_shape(value) for value in (mask, match["q"], match["k'"]))
    if shape is None or query is None or keys is None or len(query) != 4:
        return False
    return len(shape) in (2, 4) and shape[-2:] == (query[-2], keys[-1])


def _scale(match: Match) -> float:
    """Return what the scores are multiplied by."""
    numbers = match.numbers
    factors = [numbers.get(name, 1.0) for name in ("a", "b", "c")]
    divisors = [numbers.get(f"1 / {name}", 1.0) for name in ("a", "b", "c")]
    return math.prod(factors) / math.prod(divisors)
