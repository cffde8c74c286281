"""Unique elements or slices."""

import math
from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, rank_of, shape_of
from ..base import graph_pass
from ..rewrite import Site, sites

INT64, BOOL = ir.DataType.INT64, ir.DataType.BOOL


@graph_pass(after=("infer_shapes",))
def lower_unique(graph: ir.Graph) -> int:
    """Write Unique by comparing all rows with one another: a row is new if its first equal is it.

    The inverse is how many new rows come before, sorted how many are less in the order of words.
    ops.unique of MindSpore 2.10 tells neither where an element stands first nor how often.
    """
    lowered = 0
    for site in sites(graph, "Unique"):
        rank = rank_of(site[0])
        if rank is None:
            continue
        _Writer(site, shape_of(site[0]), rank).write()
        lowered += 1
    return lowered


class _Writer:
    """Writes one Unique out; its methods insert nodes and return their outputs."""

    def __init__(self, site: Site, shape: Sequence[int] | None, rank: int) -> None:
        self._site, self._node = site, site.node
        self._dtype = site.node.outputs[0].dtype or ir.DataType.FLOAT
        axis: int | None = attribute(site.node, "axis", None)
        self._axis = None if axis is None else axis_of(axis, rank)
        self._shape, self._rank = shape, rank

    def write(self) -> None:
        """Replace the node."""
        source = self._site[0]
        rows = self._rows(source)
        left = self._add("Unsqueeze", [rows, self._ints([1])], self._dtype)
        right = self._add("Unsqueeze", [rows, self._ints([0])], self._dtype)
        same = self._add("Equal", [left, right], BOOL)
        equal = self._add("ReduceMin", [same, self._ints([2])], BOOL, keepdims=0)
        score = self._add("Cast", [equal], ir.DataType.FLOAT, to=int(ir.DataType.FLOAT))
        first = self._add("ArgMax", [score], INT64, axis=1, keepdims=0)
        is_new = self._add("Equal", [first, self._numbers(first)], BOOL)
        found = self._add("NonZero", [is_new], INT64)
        indices = self._add("Squeeze", [found, self._ints([0])], INT64)
        if attribute(self._node, "sorted", 1):
            before = self._before(left, right, same, is_new)
            indices = self._sorted(indices, before)
            inverse = before
        else:
            one = self._add("Cast", [is_new], INT64, to=int(INT64))
            axis = self._site.constant(0, "axis", INT64)
            so_far = self._add("CumSum", [one, axis], INT64)
            place = self._add("Sub", [so_far, self._site.constant(1, "one", INT64)], INT64)
            inverse = self._add("Gather", [place, first], INT64, axis=0)
        times = self._add("Cast", [equal], INT64, to=int(INT64))
        times = self._add("ReduceSum", [times, self._ints([1])], INT64, keepdims=0)
        counts = self._add("Gather", [times, indices], INT64, axis=0)
        flat = source if self._axis is not None else self._flat(source)
        result = self._add("Gather", [flat, indices], self._dtype, axis=self._axis or 0)
        self._site.replace(*[result, indices, inverse, counts][: len(self._node.outputs)])

    def _numbers(self, rows: ir.Value) -> ir.Value:
        """Return 0, 1, 2 … for as many rows as there are."""
        if self._shape is not None:
            count = math.prod(self._shape) if self._axis is None else self._shape[self._axis]
            self._site.afford(count)
            return self._ints(range(count))
        zero, one = (self._site.constant(number, "number", INT64) for number in (0, 1))
        ones = self._add("Add", [self._add("Mul", [rows, zero], INT64), one], INT64)
        return self._add("Sub", [self._add("CumSum", [ones, zero], INT64), one], INT64)

    def _before(
        self, left: ir.Value, right: ir.Value, same: ir.Value, is_new: ir.Value
    ) -> ir.Value:
        """Return for each row how many new rows are less; the first difference decides."""
        differ = self._add("Cast", [self._add("Not", [same], BOOL)], INT64, to=int(INT64))
        axis = self._site.constant(2, "axis", INT64)
        so_far = self._add("CumSum", [differ, axis], INT64)
        one = self._site.constant(1, "one", INT64)
        decides = self._add("Equal", [self._add("Mul", [so_far, differ], INT64), one], BOOL)
        smaller = self._less(right, left)
        less = self._add("And", [decides, smaller], BOOL)
        less = self._add("ReduceMax", [less, self._ints([2])], BOOL, keepdims=0)
        counted = self._add("And", [less, is_new], BOOL)
        counted = self._add("Cast", [counted], INT64, to=int(INT64))
        return self._add("ReduceSum", [counted, self._ints([1])], INT64, keepdims=0)

    def _less(self, left: ir.Value, right: ir.Value) -> ir.Value:
        if self._dtype != BOOL:
            return self._add("Less", [left, right], BOOL)
        return self._add("And", [self._add("Not", [left], BOOL), right], BOOL)

    def _sorted(self, indices: ir.Value, before: ir.Value) -> ir.Value:
        """Return where the new rows stand, those first that are less."""
        places = self._add("Gather", [before, indices], INT64, axis=0)
        column = self._add("Unsqueeze", [places, self._ints([1])], INT64)
        zeros = self._add("Mul", [indices, self._site.constant(0, "zero", INT64)], INT64)
        return self._add("ScatterND", [zeros, column, indices], INT64)

    def _rows(self, source: ir.Value | None) -> ir.Value:
        """Return what is compared as a matrix, a row an element or slice."""
        if self._axis is None:
            return self._add("Reshape", [source, self._ints([-1, 1])], self._dtype)
        others = [i for i in range(self._rank) if i != self._axis]
        turned = self._add("Transpose", [source], self._dtype, perm=[self._axis, *others])
        if self._shape is None:
            return self._add("Reshape", [turned, self._ints([0, -1])], self._dtype)
        width = math.prod(self._shape[i] for i in others)
        rows = self._ints([self._shape[self._axis], width])
        return self._add("Reshape", [turned, rows], self._dtype)

    def _flat(self, source: ir.Value | None) -> ir.Value:
        return self._add("Reshape", [source, self._ints([-1])], self._dtype)

    def _ints(self, numbers: Sequence[int]) -> ir.Value:
        return self._site.ints(numbers, "numbers")

    def _add(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        dtype: ir.DataType,
        **attributes: int | Sequence[int],
    ) -> ir.Value:
        return self._site.add(op_type, inputs, dtype=dtype, **attributes)
