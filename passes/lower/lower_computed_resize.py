"""Resizes by scales, sizes or a region that are computed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, axis_of, is_constant, operand, shape_of
from ..base import graph_pass
from ..rewrite import Names, Site

FLOAT, INT64, BOOL = ir.DataType.FLOAT, ir.DataType.INT64, ir.DataType.BOOL
Number = ir.Value | float


@dataclass(frozen=True)
class Axis:
    """How one axis is resized.

    Attributes:
        index: Which axis.
        place: Which of the scales, sizes and bounds are its own.
        size: Size of the input.
        output: Size of the output.
    """

    index: int
    place: int
    size: int
    output: int


@graph_pass(after=("lower_resize",))
def lower_computed_resize(graph: ir.Graph) -> int:
    """Write a Resize by computed scales as a Gather or a product with a computed matrix an axis.

    The shapes must be known: a scale may stand for several, and is not their ratio.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Resize":
            continue
        before, after = shape_of(operand(node, 0)), shape_of(node.outputs[0])
        computed = any(value is not None and not is_constant(value) for value in node.inputs[1:])
        if before is None or after is None or not computed or 0 in (*before, *after):
            continue
        _Writer(Site(node, names), before, after).write()
        lowered += 1
    return lowered


class _Writer:
    """Writes one Resize out; its methods insert nodes and return their outputs."""

    def __init__(self, site: Site, before: Sequence[int], after: Sequence[int]) -> None:
        self._site, self._node, self._rank = site, site.node, len(before)
        indices = [
            axis_of(axis, self._rank)
            for axis in attribute(site.node, "axes", tuple(range(self._rank)))
        ]
        self._axes = [
            Axis(index, place, before[index], after[index]) for place, index in enumerate(indices)
        ]
        self._mode: str = attribute(site.node, "mode", "nearest")
        self._transform: str = attribute(site.node, "coordinate_transformation_mode", "half_pixel")
        self._crops = self._transform == "tf_crop_and_resize"

    def write(self) -> None:
        """Replace the node."""
        value, dtype = self._site[0], self._node.outputs[0].dtype or FLOAT
        wide = value if dtype == FLOAT or self._mode == "nearest" else self._cast(value, FLOAT)
        inner = dtype if self._mode == "nearest" else FLOAT
        for axis in self._axes:
            if axis.size == axis.output == 1 and not self._crops:
                continue  # the only element, whatever the scale
            places = self._coordinates(axis)
            if self._mode == "nearest":
                picked = self._nearest(axis, places)
                wide = self._site.add("Gather", [wide, picked], axis=axis.index, dtype=dtype)
            else:
                wide = self._product(wide, self._matrix(axis, places), axis.index)
            if self._crops:
                wide = self._extrapolated(axis, places, wide, inner)
        if inner != dtype:
            wide = self._cast(wide, dtype)
        assert wide is not None, "Resize has an input"
        if wide is self._site[0]:
            wide = self._site.add("Identity", [wide], dtype=dtype)
        self._site.replace(wide)

    def _math(self, op_type: str, *operands: Number, dtype: ir.DataType = FLOAT) -> ir.Value:
        values = [
            item if isinstance(item, ir.Value) else self._site.constant(item, "number", FLOAT)
            for item in operands
        ]
        return self._site.add(op_type, values, dtype=dtype)

    def _cast(self, value: ir.Value | None, dtype: ir.DataType) -> ir.Value:
        return self._site.add("Cast", [value], to=int(dtype), dtype=dtype)

    def _element(self, source: ir.Value | None, place: int) -> ir.Value:
        at = self._site.constant(place, "at", INT64)
        picked = self._site.add("Gather", [source, at], axis=0)
        return self._cast(picked, FLOAT)

    def _scale(self, axis: Axis) -> Number:
        """Return the scale of an axis, or the ratio of its sizes where these are what is given."""
        if self._site[2] is not None:
            return self._element(self._site[2], axis.place)
        policy = attribute(self._node, "keep_aspect_ratio_policy", "stretch")
        if policy == "stretch":
            return axis.output / axis.size
        sizes = self._cast(self._site[3], FLOAT)
        own = self._site.constant([other.size for other in self._axes], "sizes", FLOAT)
        ratios = self._site.add("Div", [sizes, own], dtype=FLOAT)
        which = "ReduceMin" if policy == "not_larger" else "ReduceMax"
        return self._site.add(which, [ratios], keepdims=0, dtype=FLOAT)

    def _coordinates(self, axis: Axis) -> ir.Value:
        """Return where in the input each element of the output lies."""
        steps = np.arange(axis.output, dtype=np.float32)
        places, last = self._site.constant(steps, "places", FLOAT), axis.size - 1
        if self._transform == "align_corners":
            return self._math("Mul", places, last / max(axis.output - 1, 1))
        if self._crops:
            start = self._element(self._site[1], axis.place)
            end = self._element(self._site[1], axis.place + len(self._axes))
            if axis.output == 1:
                return self._math("Mul", self._math("Add", start, end), self._row(0.5 * last))
            step = self._math("Mul", self._math("Sub", end, start), last / (axis.output - 1))
            return self._math(
                "Add", self._math("Mul", start, last), self._math("Mul", places, step)
            )
        if self._transform == "pytorch_half_pixel" and axis.output == 1:
            return self._row(0.0)
        scale = self._scale(axis)
        if self._transform == "asymmetric":
            return self._math("Div", places, scale)
        middle = self._math("Div", self._math("Add", places, 0.5), scale)
        found = self._math("Sub", middle, 0.5)
        if self._transform != "half_pixel_symmetric":
            return found
        part = self._math("Div", axis.output, self._math("Mul", scale, axis.size))
        offset = self._math("Mul", self._math("Sub", 1.0, part), axis.size / 2)
        return self._math("Add", found, offset)

    def _row(self, number: float) -> ir.Value:
        return self._site.constant([number], "row", FLOAT)

    def _nearest(self, axis: Axis, places: ir.Value) -> ir.Value:
        """Return which element of the input each element of the output is."""
        match attribute(self._node, "nearest_mode", "round_prefer_floor"):
            case "floor":
                found = self._math("Floor", places)
            case "ceil":
                found = self._math("Ceil", places)
            case "round_prefer_ceil":
                found = self._math("Floor", self._math("Add", places, 0.5))
            case _:
                found = self._math("Ceil", self._math("Sub", places, 0.5))
        return self._cast(self._math("Clip", found, 0.0, axis.size - 1), INT64)

    def _matrix(self, axis: Axis, places: ir.Value) -> ir.Value:
        """Return the weight of each element of the input in each of the output, (input, output).

        Those before the first and behind the last repeat it, or count nothing.
        """
        support, shrink = 2 if self._mode == "cubic" else 1, 1.0
        antialias = bool(attribute(self._node, "antialias", 0))
        if antialias:
            shrink = max(1.0, axis.size / axis.output)
        beyond = math.ceil(support * shrink) + 2
        sources = np.arange(-beyond, axis.size + beyond)
        column = self._site.constant(sources[:, None], "sources", FLOAT)
        distance = self._math("Abs", self._math("Sub", places, column))
        if antialias:
            factor = self._math("Min", self._scale_value(axis), 1.0)
            distance = self._math("Mul", distance, factor)
        weights = self._cubic(distance) if self._mode == "cubic" else self._linear(distance)
        own = np.clip(sources, 0, axis.size - 1)[:, None] == np.arange(axis.size)
        sums = self._mode == "cubic" or antialias
        if sums and attribute(self._node, "exclude_outside", 0):
            own &= ((sources >= 0) & (sources < axis.size))[:, None]
        fold = self._site.constant(own.T, "fold", FLOAT)
        matrix = self._site.add("MatMul", [fold, weights], dtype=FLOAT)
        if not sums:
            return matrix
        total = self._site.add(
            "ReduceSum", [matrix, self._site.ints([0], "axis")], keepdims=1, dtype=FLOAT
        )
        return self._math("Div", matrix, total)

    def _scale_value(self, axis: Axis) -> ir.Value:
        scale = self._scale(axis)
        return scale if isinstance(scale, ir.Value) else self._site.constant(scale, "scale", FLOAT)

    def _linear(self, distance: ir.Value) -> ir.Value:
        return self._math("Max", self._math("Sub", 1.0, distance), 0.0)

    def _cubic(self, distance: ir.Value) -> ir.Value:
        """Return the weights of the cubic convolution (R. Keys, 1981)."""
        a = attribute(self._node, "cubic_coeff_a", -0.75)
        near = self._polynomial(distance, (a + 2, -(a + 3), 0, 1))
        far = self._polynomial(distance, (a, -5 * a, 8 * a, -4 * a))
        outer = self._math("LessOrEqual", distance, 2.0, dtype=BOOL)
        inner = self._math("LessOrEqual", distance, 1.0, dtype=BOOL)
        return self._math("Where", inner, near, self._math("Where", outer, far, 0.0))

    def _polynomial(self, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
        result: Number = coefficients[0]
        for coefficient in coefficients[1:]:
            result = self._math("Add", self._math("Mul", x, result), coefficient)
        assert isinstance(result, ir.Value), "there are several coefficients"
        return result

    def _product(self, value: ir.Value | None, matrix: ir.Value, axis: int) -> ir.Value:
        """Return the product of a tensor along an axis and a matrix."""
        perm = [*range(self._rank)]
        perm[axis], perm[-1] = perm[-1], perm[axis]
        if axis == self._rank - 1:
            return self._site.add("MatMul", [value, matrix], dtype=FLOAT)
        turned = self._site.add("Transpose", [value], perm=perm, dtype=FLOAT)
        product = self._site.add("MatMul", [turned, matrix], dtype=FLOAT)
        return self._site.add("Transpose", [product], perm=perm, dtype=FLOAT)

    def _extrapolated(
        self, axis: Axis, places: ir.Value, value: ir.Value | None, dtype: ir.DataType
    ) -> ir.Value:
        """Return a tensor with a value of its own where an axis reaches out of the input."""
        below = self._math("Less", places, 0.0, dtype=BOOL)
        above = self._math("Greater", places, axis.size - 1, dtype=BOOL)
        out = self._site.add("Or", [below, above], dtype=BOOL)
        shape = [-1 if index == axis.index else 1 for index in range(self._rank)]
        where = self._site.add("Reshape", [out, self._site.ints(shape, "shape")], dtype=BOOL)
        number = attribute(self._node, "extrapolation_value", 0.0)
        filled = self._site.constant(number, "extrapolation", dtype)
        return self._site.add("Where", [where, filled, value], dtype=dtype)
