"""Attention with what MindSpore's has no place for: heads in one axis, caches, caps, two masks."""

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, constant, operand, rank_of, shape_of
from ...compiler.ir.provenance import add_history
from ..base import graph_pass
from ..rewrite import Site, sites, take_over

LENGTHS = 6
LOWEST = {ir.DataType.FLOAT16: -65504.0, ir.DataType.DOUBLE: -1.7e308}
"""The lowest finite number of an element type; -3.4e38 of all others."""


@graph_pass(after=("infer_shapes",))
def lower_attention(graph: ir.Graph) -> int:
    """Write Attention of rank 3, with a cache, a cap, lengths or two masks as matrix products.

    Rank 4 with one mask or none stays: it is emitted as a function.
    """
    return sum(
        Lowering(site).run() for site in sites(graph, "Attention") if not _is_plain(site.node)
    )


def _is_plain(node: ir.Node) -> bool:
    """Tell whether queries, keys and values have a head each, and nothing else is asked for."""
    if rank_of(operand(node, 0)) != 4 or any(operand(node, i) is not None for i in (4, 5, 6)):
        return False
    if any(_is_read(value) for value in node.outputs[1:]) or attribute(node, "softcap", 0.0):
        return False
    if any(attribute(node, f"{side}_window_size", -1) >= 0 for side in ("left", "right")):
        return False
    mask, causal = operand(node, 3), attribute(node, "is_causal", 0)
    if mask is not None:
        keys = shape_of(operand(node, 1))
        shown = shape_of(mask)
        if causal or keys is None or shown is None or shown[-1:] != keys[2:3]:
            return False
    return attribute(node, "softmax_precision", 0) == 0


def _is_read(value: ir.Value) -> bool:
    return bool(value.name) and (bool(value.uses()) or value.is_graph_output())


class Lowering:
    """Writes one Attention as operators of its definition.

    Args:
        site: The node; the shapes of queries, keys and values are known.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._node = site.node
        query = site[0]
        self._dtype = (query.dtype if query is not None else None) or ir.DataType.FLOAT

    def run(self) -> bool:
        """Insert the operators; return whether the shapes were known."""
        node = self._node
        shapes = [shape_of(operand(node, i)) for i in range(3)]
        if any(shape is None for shape in shapes) or not node.outputs:
            return False
        self._flat = len(shapes[0] or ()) == 3
        query, key, value = (self._heads(i, shapes[i] or ()) for i in range(3))
        heads, kv_heads, queries, size = self._sizes(shapes[0] or (), shapes[1] or ())
        *_, keys, _ = shapes[1] or (1, 1)
        past = shape_of(operand(node, 4))
        if past is not None:
            key = self._add("Concat", [self._site[4], key], axis=2)
            value = self._add("Concat", [self._site[5], value], axis=2)
            keys += past[2]
        present = key, value
        if heads != kv_heads:
            key, value = (
                self._repeat(each, heads, keys, shapes[i + 1] or (), heads // kv_heads)
                for i, each in enumerate((key, value))
            )
        scale = attribute(node, "scale", 0.0) or size**-0.5
        scaled = self._add("Mul", [query, self._number(scale, "scale")])
        turned = self._add("Transpose", [key], perm=(0, 1, 3, 2))
        raw = self._add("MatMul", [scaled, turned])
        scores = self._capped(raw)
        bias = self._bias(queries, keys, past[2] if past is not None else 0)
        biased = scores if bias is None else self._add("Add", [scores, bias])
        weights = self._softmax(biased, bias)
        output = self._add("MatMul", [weights, value])
        if self._flat:
            output = self._add("Transpose", [output], perm=(0, 2, 1, 3))
            output = self._add("Reshape", [output, self._site.ints([0, 0, -1], "shape")])
        mode = attribute(node, "qk_matmul_output_mode", 0)
        shown = (raw, scores, biased, weights)[mode]
        self._finish(output, *present, shown)
        return True

    def _add(
        self, op_type: str, inputs: "list[ir.Value | None]", **attributes: "int | tuple[int, ...]"
    ) -> ir.Value:
        return self._site.add(op_type, inputs, dtype=self._dtype, **attributes)

    def _number(self, number: float, role: str) -> ir.Value:
        return self._site.constant(number, role, self._dtype)

    def _heads(self, index: int, shape: tuple[int, ...]) -> ir.Value | None:
        """Return an operand as (batch, heads, sequence, size)."""
        if not self._flat:
            return self._site[index]
        heads = attribute(self._node, "kv_num_heads" if index else "q_num_heads", 1)
        sizes = self._site.ints([0, 0, heads, shape[2] // heads], "heads")
        apart = self._add("Reshape", [self._site[index], sizes])
        return self._add("Transpose", [apart], perm=(0, 2, 1, 3))

    def _sizes(self, query: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, int, int, int]:
        """Return the numbers of heads of queries and of keys, of queries, and a head's size."""
        if not self._flat:
            return query[1], key[1], query[2], query[3]
        heads = attribute(self._node, "q_num_heads", 1)
        return heads, attribute(self._node, "kv_num_heads", 1), query[1], query[2] // heads

    def _repeat(
        self, value: ir.Value | None, heads: int, keys: int, shape: tuple[int, ...], times: int
    ) -> ir.Value:
        """Return keys or values with each head repeated for the queries of its group."""
        size = shape[-1] * times // heads if self._flat else shape[-1]
        apart = self._add("Unsqueeze", [value, self._site.ints([2], "axes")])
        spread = self._add("Expand", [apart, self._site.ints([1, 1, times, 1, 1], "groups")])
        return self._add("Reshape", [spread, self._site.ints([0, heads, keys, size], "shape")])

    def _capped(self, scores: ir.Value) -> ir.Value:
        cap = attribute(self._node, "softcap", 0.0)
        if not cap:
            return scores
        small = self._add("Div", [scores, self._number(cap, "softcap")])
        return self._add("Mul", [self._add("Tanh", [small]), self._number(cap, "softcap")])

    def _bias(self, queries: int, keys: int, before: int) -> ir.Value | None:
        """Return what is added to the scores: the mask, the causal mask, that of the lengths."""
        after = 0 if attribute(self._node, "is_causal", 0) else None
        window = [attribute(self._node, f"{side}_window_size", -1) for side in ("left", "right")]
        found = [
            self._mask(keys),
            self._seen(queries, keys, before, None, after),
            self._seen(queries, keys, before, *(None if size < 0 else size for size in window)),
            self._padding(keys),
        ]
        parts = [part for part in found if part is not None]
        bias = parts[0] if parts else None
        for part in parts[1:]:
            bias = self._add("Add", [bias, part])
        return bias

    def _mask(self, keys: int) -> ir.Value | None:
        mask = self._site[3]
        shape = shape_of(mask)
        if mask is None or shape is None:
            return mask
        if mask.dtype == ir.DataType.BOOL:
            mask = self._choose(mask)
        if shape[-1] < keys:
            pads = self._site.ints([0, keys - shape[-1]], "pads")
            lowest = self._number(-np.inf, "lowest")
            mask = self._add("Pad", [mask, pads, lowest, self._site.ints([-1], "axes")])
        return mask

    def _choose(self, shown: ir.Value) -> ir.Value:
        """Return 0 where a query sees a key, else minus infinity."""
        zero, lowest = self._number(0, "zero"), self._number(-np.inf, "lowest")
        return self._add("Where", [shown, zero, lowest])

    def _seen(
        self, queries: int, keys: int, before: int, left: int | None, right: int | None
    ) -> ir.Value | None:
        """Return the bias that hides keys too far before or after a query.

        With a cache of `before` keys, query i stands at key i + before; with lengths, so that the
        last query stands at the last valid key.
        """
        if left is None and right is None:
            return None
        self._site.afford(keys, queries)
        ahead = np.arange(keys)[None, :] - np.arange(queries)[:, None]
        if self._site[LENGTHS] is None or self._site[4] is not None:
            ahead = ahead - before
            seen = np.ones(ahead.shape, bool)
            seen &= True if left is None else -ahead <= left
            seen &= True if right is None else ahead <= right
            bias = self._site.constant(np.where(seen, 0.0, -np.inf), "window", self._dtype)
            add_history(bias, "mask of an Attention by distance")
            return bias
        int64, boolean = ir.DataType.INT64, ir.DataType.BOOL
        column = self._site.ints([-1, 1, 1, 1], "column")
        lengths = self._site.add("Reshape", [self._site[LENGTHS], column], dtype=int64)
        bias_: ir.Value | None = None
        for limit, op_type, sign in ((left, "GreaterOrEqual", -1), (right, "LessOrEqual", 1)):
            if limit is not None:
                reached = self._site.constant(ahead + queries - sign * limit, "reached", int64)
                part = self._choose(self._site.add(op_type, [reached, lengths], dtype=boolean))
                bias_ = part if bias_ is None else self._add("Add", [bias_, part])
        return bias_

    def _padding(self, keys: int) -> ir.Value | None:
        """Return the bias that hides the keys behind those that are valid."""
        if self._site[LENGTHS] is None:
            return None
        int64 = ir.DataType.INT64
        column = self._site.ints([-1, 1, 1, 1], "column")
        lengths = self._site.add("Reshape", [self._site[LENGTHS], column], dtype=int64)
        self._site.afford(keys)
        places = self._site.constant(np.arange(keys), "places", int64)
        valid = self._site.add("Less", [places, lengths], dtype=ir.DataType.BOOL)
        return self._choose(valid)

    def _softmax(self, scores: ir.Value, bias: ir.Value | None) -> ir.Value:
        """Return the weights; a query that sees no key has zeros, not NaN."""
        precision = attribute(self._node, "softmax_precision", 0)
        wide = bool(precision) and precision != self._dtype
        dtype = ir.DataType(precision) if wide else self._dtype
        if wide:
            scores = self._site.add("Cast", [scores], dtype=dtype, to=int(dtype))
        if bias is not None:
            # MindSpore 2.10: a row of nothing but -inf makes ops.softmax wrong in other rows too
            finite = self._site.constant(LOWEST.get(dtype, -3.4e38), "finite", dtype)
            scores = self._site.add("Max", [scores, finite], dtype=dtype)
        weights = self._site.add("Softmax", [scores], dtype=dtype, axis=-1)
        if wide:
            weights = self._site.add("Cast", [weights], dtype=self._dtype, to=int(self._dtype))
        known = constant(bias)
        if bias is None or (known is not None and (known.max(axis=-1) > -np.inf).all()):
            return weights
        axes = self._site.ints([-1], "axes")
        most = self._add("ReduceMax", [bias, axes], keepdims=1)
        lowest = self._number(-np.inf, "lowest")
        blind = self._site.add("Equal", [most, lowest], dtype=ir.DataType.BOOL)
        return self._add("Where", [blind, self._number(0, "zero"), weights])

    def _finish(self, output: ir.Value, key: ir.Value | None, value: ir.Value | None,
                shown: ir.Value) -> None:  # fmt: skip
        """Let the results take over the outputs; those within are given another name."""
        node, maker = self._node, output.producer()
        take_over(node.outputs[0], output)
        for old, new in zip(node.outputs[1:], (key, value, shown), strict=False):
            if not _is_read(old) or new is None:
                continue
            copy = self._site.add("Identity", [new], dtype=new.dtype)
            take_over(old, copy)
        self._site.graph.remove(node, safe=True)
        if maker is not None:
            maker.name = node.name
