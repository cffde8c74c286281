"""Scaled dot-product attention."""

import math

import numpy as np
import onnx_ir as ir

from ...compiler.ir.dialect import DOMAIN
from ...compiler.ir.graph import (
    attribute,
    axis_of,
    constant,
    is_constant,
    operand,
    rank_of,
    scalar,
    shape_of,
)
from ..base import graph_pass
from ..matching import Match, find, replace
from ..pattern import Pattern, op, symbol
from ..pattern import scalar as any_number
from ..rewrite import Names, Site
from .ungroup import ungrouped
from .untranspose import Plain, untransposed

LARGEST = 2**24
"""Most elements of a constant mask that is looked at."""


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
    inputs += [] if bias is None else [bias if domain else _whole(bias, match, site)]
    scale, usual = _scale(match), shape_of(match["q"])
    if domain:
        name = "Attention" if bias is None else "BiasedAttention"
        replace(match, name, inputs, domain=domain, scale=scale)
    elif usual is not None and math.isclose(scale, usual[-1] ** -0.5, rel_tol=1e-6):
        replace(match, "Attention", inputs)
    else:
        replace(match, "Attention", inputs, scale=scale)
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
    query, _, _ = outer = [list(shape)[:-2] if shape is not None else None for shape in shapes]
    if any(dims != query or dims is None or len(dims) != rank - 2 for dims in outer):
        return False
    whole = match["q"].shape
    return whole is not None and list(match.result.shape)[:-1] == list(whole)[:-1]


def _form(match: Match) -> tuple[str, ir.Value | None] | None:
    """Return the domain of the operator that says the same, and its mask; None if none does.

    A guard against NaN matters where a query may be kept from every key: the operator of ai.onnx
    has it, that of onnx2ms has not.
    """
    bias, guarded = match.values.get("bias"), GUARDED in match.made_by
    if bias is None:
        return ("" if rank_of(match["q"]) == 4 else DOMAIN), None
    seen = _seen(bias) if guarded and rank_of(match["q"]) == 4 else None
    if seen is not None and rank_of(seen) in (2, 4):
        return "", seen
    if _is_whole(bias, match) and (guarded or _is_finite(bias)):
        return "", bias
    return (DOMAIN, bias) if not guarded or _is_finite(bias) else None


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


def _seen(bias: ir.Value) -> ir.Value | None:
    """Return which keys each query sees, where a bias is 0 for these and -inf for the others."""
    node = bias.producer()
    if node is None or node.op_type != "Where" or node.domain:
        return None
    if scalar(operand(node, 1)) == 0 and scalar(operand(node, 2)) == -math.inf:
        return operand(node, 0)
    return None


def _is_finite(bias: ir.Value) -> bool:
    """Tell whether a bias surely leaves every query a key: not all of a row is -inf."""
    if is_constant(bias):
        shape = shape_of(bias)
        if not shape or 0 in shape or math.prod(shape) > LARGEST:
            return False
        array = constant(bias)
        return array is not None and bool(np.isfinite(array.max(axis=-1)).all())
    node = bias.producer()
    if node is None or node.op_type != "Where" or node.domain:
        return False
    return all(_is_all_finite(operand(node, index)) for index in (1, 2))


def _is_all_finite(value: ir.Value | None) -> bool:
    shape = shape_of(value)
    if not is_constant(value) or shape is None or math.prod(shape) > LARGEST:
        return False
    array = constant(value)
    return array is not None and bool(np.isfinite(array).all())


def _scale(match: Match) -> float:
    """Return what the scores are multiplied by."""
    numbers = match.numbers
    factors = [numbers.get(name, 1.0) for name in ("a", "b", "c")]
    divisors = [numbers.get(f"1 / {name}", 1.0) for name in ("a", "b", "c")]
    return math.prod(factors) / math.prod(divisors)
