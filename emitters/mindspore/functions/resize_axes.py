"""Resizing by what is computed, in every way that ONNX knows."""

import mindspore as ms
from mindspore import ops

from .locate_pixels import locate_pixels
from .weigh_places import weigh_places


def resize_axes(
    x: ms.Tensor,
    axes: tuple[int, ...],
    sizes: ms.Tensor,
    region: ms.Tensor | None = None,
    by_scales: bool = False,
    mode: str = "nearest",
    coordinates: str = "half_pixel",
    rounding: str = "round_prefer_floor",
    aspect: str = "stretch",
    cubic: float = -0.75,
    antialias: bool = False,
    exclude_outside: bool = False,
    beyond: float = 0.0,
) -> ms.Tensor:
    """Return x resized along its axes to sizes, or by scales, as ONNX's Resize does it."""
    own = ms.Tensor([x.shape[axis] for axis in axes], ms.float32)
    if by_scales:
        scales, sizes = sizes, ops.floor(own * sizes)
    else:
        scales = sizes.astype(ms.float32) / own
        if aspect != "stretch":
            ratio = scales.min() if aspect == "not_larger" else scales.max()
            scales = ops.ones_like(scales) * ratio
            sizes = ops.floor(own * ratio + 0.5)
    result = x if mode == "nearest" else x.astype(ms.float32)
    for i, axis in enumerate(axes):
        size, scale = x.shape[axis], scales[i]
        bounds = None if region is None else (region[i], region[len(axes) + i])
        places = locate_pixels(size, int(sizes[i]), scale, coordinates, bounds)
        result = ops.swapaxes(result, axis, -1)
        if mode == "nearest":
            if rounding == "round_prefer_floor":
                picked = ops.ceil(places - 0.5)
            elif rounding == "round_prefer_ceil":
                picked = ops.floor(places + 0.5)
            else:
                picked = ops.floor(places) if rounding == "floor" else ops.ceil(places)
            picked = ops.clamp(picked, 0, size - 1).astype(ms.int64)
            result = ops.gather(result, picked, result.ndim - 1)
        else:
            keys, shrink = cubic if mode == "cubic" else None, scale if antialias else None
            weights = weigh_places(places, size, keys, shrink, exclude_outside)
            result = ops.matmul(result, weights)
        if coordinates == "tf_crop_and_resize":
            inside = (places >= 0) & (places <= size - 1)
            other = (ops.zeros_like(result) + beyond).astype(result.dtype)
            result = ops.where(inside, result, other)
        result = ops.swapaxes(result, axis, -1)
    return result.astype(x.dtype)
