"""Where a Resize takes its elements from, and how much of each: ONNX's definition in numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from ...compiler.ir.graph import (
    attribute,
    axis_of,
    constant,
    integers,
    is_constant,
    operand,
    shape_of,
)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Axis:
    """How one axis is resized.

    Attributes:
        index: Which axis.
        size: Size of the input.
        output: Size of the output.
        scale: Their ratio, as the model tells it.
        start: Where the region of interest begins, 0 to 1.
        end: Where it ends.
    """

    index: int
    size: int
    output: int
    scale: float
    start: float = 0.0
    end: float = 1.0

    def coordinates(self, mode: str) -> Floats:
        """Return where in the input each element of the output lies.

        As onnxruntime does it, in float32: so halves are rounded to the same side.
        """
        places = np.arange(self.output, dtype=np.float32)
        scale, last = np.float32(self.scale), self.size - 1
        match mode:
            case "asymmetric":
                return places / scale
            case "align_corners":
                return places * np.float32(last / max(self.output - 1, 1))
            case "pytorch_half_pixel" if self.output == 1:
                return np.zeros(1, np.float32)
            case "half_pixel_symmetric":
                part = np.float32(self.output) / (scale * np.float32(self.size))
                begin = np.float32(self.size / 2) * (1 - part)
                return begin + (places + np.float32(0.5)) / scale - np.float32(0.5)
            case "tf_crop_and_resize" if self.output == 1:
                return np.array([0.5 * (self.start + self.end) * last], np.float32)
            case "tf_crop_and_resize":
                step = (self.end - self.start) * last / (self.output - 1)
                return np.float32(self.start * last) + places * np.float32(step)
            case _:
                return (places + np.float32(0.5)) / scale - np.float32(0.5)


def axes_of(node: ir.Node) -> list[Axis] | None:
    """Return how a Resize changes every axis; None if that is computed, or an axis empty."""
    before, after = shape_of(operand(node, 0)), shape_of(node.outputs[0])
    computed = any(value is not None and not is_constant(value) for value in node.inputs[1:])
    if before is None or after is None or computed or 0 in (*before, *after):
        return None
    rank = len(before)
    axes = [axis_of(axis, rank) for axis in attribute(node, "axes", tuple(range(rank)))]
    ratios = {axis: after[axis] / before[axis] for axis in range(rank)}
    scales, region = constant(operand(node, 2)), constant(operand(node, 1))
    if scales is not None and scales.size:
        ratios.update(zip(axes, scales.astype(float).tolist(), strict=True))
    elif attribute(node, "keep_aspect_ratio_policy", "stretch") != "stretch":
        ratios.update(dict.fromkeys(axes, _common_ratio(node, before, axes)))
    bounds = dict.fromkeys(range(rank), (0.0, 1.0))
    if region is not None and region.size:
        numbers = region.astype(float).tolist()
        ends = zip(numbers[: len(axes)], numbers[len(axes) :], strict=True)
        bounds.update(zip(axes, ends, strict=True))
    return [
        Axis(axis, before[axis], after[axis], ratios[axis], *bounds[axis]) for axis in range(rank)
    ]


def _common_ratio(node: ir.Node, before: Sequence[int], axes: Sequence[int]) -> float:
    """Return the one scale of all axes that keeps the aspect ratio."""
    sizes = integers(operand(node, 3)) or ()
    ratios = [size / before[axis] for size, axis in zip(sizes, axes, strict=True)]
    not_larger = attribute(node, "keep_aspect_ratio_policy", "") == "not_larger"
    return min(ratios) if not_larger else max(ratios)


def coordinates(node: ir.Node, axis: Axis) -> Floats:
    """Return where in the input of a Resize each element of the output lies, along an axis."""
    return axis.coordinates(attribute(node, "coordinate_transformation_mode", "half_pixel"))


def outside(node: ir.Node, axis: Axis) -> npt.NDArray[np.bool_]:
    """Return which elements of the output lie outside the input and are not repeated from it."""
    places = coordinates(node, axis)
    crops = attribute(node, "coordinate_transformation_mode", "") == "tf_crop_and_resize"
    return ((places < 0) | (places > axis.size - 1)) & crops


def nearest(node: ir.Node, axis: Axis) -> npt.NDArray[np.int64]:
    """Return which element of the input each element of the output is."""
    places = coordinates(node, axis)
    match attribute(node, "nearest_mode", "round_prefer_floor"):
        case "floor":
            found = np.floor(places)
        case "ceil":
            found = np.ceil(places)
        case "round_prefer_ceil":
            found = np.floor(places + np.float32(0.5))
        case _:
            found = np.ceil(places - np.float32(0.5))
    return np.clip(found.astype(np.int64), 0, axis.size - 1)


def matrix(node: ir.Node, axis: Axis) -> Floats:
    """Return the weight of each element of the input in each of the output, (output, input)."""
    weights = np.zeros((axis.output, axis.size), np.float32)
    rows = np.arange(axis.output)
    mode = attribute(node, "mode", "nearest")
    if mode == "nearest":
        weights[rows, nearest(node, axis)] = 1
    else:
        places = coordinates(node, axis)
        low = np.floor(places)
        antialias = bool(attribute(node, "antialias", 0))
        shrink = np.float32(min(axis.scale, 1.0) if antialias else 1.0)
        reach = math.ceil((2 if mode == "cubic" else 1) / shrink)
        for tap in range(1 - reach, reach + 1):
            distance = np.abs(places - low - tap) * shrink
            weight = _cubic(node, distance) if mode == "cubic" else np.maximum(1 - distance, 0)
            found = low.astype(np.int64) + tap
            if (mode == "cubic" or antialias) and attribute(node, "exclude_outside", 0):
                weight = np.where((found >= 0) & (found < axis.size), weight, 0)
            np.add.at(weights, (rows, np.clip(found, 0, axis.size - 1)), weight)
        if mode == "cubic" or antialias:  # without those outside they do not add up to 1
            weights /= weights.sum(axis=1, keepdims=True)
    weights[outside(node, axis)] = 0
    return weights


def _cubic(node: ir.Node, distance: Floats) -> Floats:
    """Return the weights of the cubic convolution at distances from 0 on.

    Source: R. Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981.
    """
    a = np.float32(attribute(node, "cubic_coeff_a", -0.75))
    near = ((a + 2) * distance - (a + 3)) * distance * distance + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0)).astype(np.float32)
