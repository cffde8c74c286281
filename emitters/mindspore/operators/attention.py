"""Scaled dot-product attention and rotary embeddings, by functions of the module."""

import math
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ....compiler.ir.dialect import DOMAIN
from ....compiler.ir.graph import constant, operand
from ..attention_source import ATTENTION
from ..code import Code, Expression, Literal, shortest
from ..draft import Draft
from ..dtypes import mindspore_dtype
from ..registry import CannotEmit, Op, emits


@emits("Attention")
def attention(op: Op) -> Code:
    """Attention-24 of rank 4, without a cache, by a mask of any kind; grouped queries too.

    What `lower_attention` could not write out, its sizes being open, is a function in the module.
    """
    if not is_plain(op):
        return general_attention(op)
    size = op.size(0, 3)
    scale = op.attr("scale", size**-0.5)
    settings: dict[str, Literal] = {}
    keys, values = "{1}", "{2}"
    groups = op.size(0, 1) // op.size(1, 1)
    if groups > 1:
        settings["groups"] = groups
        keys, values = (
            f"ops.repeat_interleave({place}, {{groups}}, 1)" for place in (keys, values)
        )
    operands, mask = [op[0], op[1], op[2]], ""
    if op.attr("is_causal", 0):
        settings["seen"] = (op.dims(0)[2], op.dims(1)[2])
        mask = ", mask=ops.tril(ops.ones({seen}, ms.bool_))"
    elif op.has(3) and op[3].dtype is ir.DataType.BOOL:
        operands, mask = [*operands, op[3]], ", mask={3}"
    elif op.has(3):
        operands, mask = [*operands, op[3]], ", bias={3}"
        if not leaves_keys(op[3]):  # a query that sees no key gets zeros, not NaN
            operands, mask = [*operands, op[3]], f'{mask}, mask={{4}} > float("-inf")'
    return call(operands, keys, values, mask, scale, size, settings)


def is_plain(op: Op) -> bool:
    """Tell whether queries, keys and values have a head each, and nothing else is asked for."""
    if op.rank(0) != 4 or op.outputs > 1 or any(op.has(i) for i in (4, 5, 6)):
        return False
    if op.attr("softcap", 0.0) or (op.attr("is_causal", 0) and op.has(3)):
        return False
    windows = [op.attr(f"{side}_window_size", -1) for side in ("left", "right")]
    if max(windows) >= 0 or op.attr("softmax_precision", 0):
        return False
    query, key = op[0].shape, op[1].shape
    sizes = [] if query is None or key is None else [query[1], query[3], key[1]]
    return bool(sizes) and all(isinstance(size, int) for size in sizes)


def general_attention(op: Op) -> Code:
    """Return a call of the function that does all that ONNX's Attention does, of any sizes."""
    draft = Draft(op)
    given = [draft.operand(i) for i in range(3)]
    words = ("mask", "past_key", "past_value", "lengths")
    given += [f"{word}={draft.operand(3 + i)}" for i, word in enumerate(words) if op.has(3 + i)]
    for name, word in (("q_num_heads", "heads"), ("kv_num_heads", "key_heads")):
        heads: int | None = op.attr(name, None)
        given += [] if heads is None else [f"{word}={draft.setting(word, heads)}"]
    for name, word in (("scale", "scale"), ("softcap", "cap")):
        number = shortest(op.attr(name, 0.0))
        given += [f"{word}={draft.setting(word, number)}"] if number else []
    given += ["causal=True"] if op.attr("is_causal", 0) else []
    window = tuple(op.attr(f"{side}_window_size", -1) for side in ("left", "right"))
    given += [f"window={window}"] if max(window) >= 0 else []
    shown, precision = op.attr("qk_matmul_output_mode", 0), op.attr("softmax_precision", 0)
    given += [f"shown={shown}"] if shown else []
    if precision and precision != op.dtype:
        given.append(f"wide={mindspore_dtype(precision)}")
    count = op.outputs
    taken = "[0]" if count == 1 else f"[:{count}]" if count < 4 else ""
    template = f"compute_attention({', '.join(given)}){taken}"
    return draft.expression(template, outputs=count, helpers=("compute_attention",))


@emits("Attention", "BiasedAttention", "MaskedAttention", domain=DOMAIN)
def any_attention(op: Op) -> Code:
    """Attention of any rank, by a bias that is added to the scores, or a mask of what is seen."""
    kind = "mask" if op.node.op_type == "MaskedAttention" else "bias"
    mask = f", {kind}={{3}}" if op.has(3) else ""
    shape = op[0].shape
    last = None if shape is None else shape[-1]
    size = last if isinstance(last, int) else None
    return call(op.inputs, "{1}", "{2}", mask, op.attr("scale", 1.0), size, {})


def call(
    operands: Sequence[ir.Value],
    keys: str,
    values: str,
    mask: str,
    scale: float,
    size: int | None,
    settings: dict[str, Literal],
) -> Expression:
    """Return the call of the module's function; the usual scale is not written."""
    if size is None or not math.isclose(scale, size**-0.5, rel_tol=1e-6):
        settings["scale"] = shortest(scale)
        mask += ", scale={scale}"
    template = f"{ATTENTION}({{0}}, {keys}, {values}{mask})"
    return Expression(template, tuple(operands), settings, closes=True, helpers=(ATTENTION,))


def leaves_keys(bias: ir.Value) -> bool:
    """Tell whether a bias is a choice between finite numbers, or a constant of them."""
    node = bias.producer()
    chosen = node is not None and node.op_type == "Where" and not node.domain
    parts = [operand(node, 1), operand(node, 2)] if node is not None and chosen else [bias]
    arrays = [constant(part) for part in parts]
    return all(array is not None and bool(np.isfinite(array).all()) for array in arrays)


@emits("RepeatInterleave", domain=DOMAIN)
def repeat_interleave(op: Op) -> Code:
    """Each element of an axis several times in a row."""
    settings: dict[str, Literal] = {"repeats": op.attr("repeats", 1), "axis": op.attr("axis", 0)}
    return Expression("ops.repeat_interleave({0}, {repeats}, {axis})", (op[0],), settings)


@emits("RotateHalf", domain=DOMAIN)
def rotate_half(op: Op) -> Code:
    """The halves of the last axis exchanged, the second one negative."""
    return Expression("rotate_half({0})", (op[0],), helpers=("rotate_half",))


@emits("RotaryEmbedding")
def rotary_embedding(op: Op) -> Code:
    """RotaryEmbedding-23 of rank 4, of all elements, the halves as pairs."""
    if op.rank(0) != 4 or op.attr("interleaved", 0) or op.attr("rotary_embedding_dim", 0):
        raise CannotEmit("RotaryEmbedding of rank 3, of a part of the elements, or interleaved")
    cosine, sine = "{1}", "{2}"
    if op.has(3):
        cosine, sine = "ops.gather({1}, {3}, 0)", "ops.gather({2}, {3}, 0)"
    template = f"rotary_embedding({{0}}, {cosine}, {sine})"
    return Expression(template, op.inputs, helpers=("rotary_embedding",))
