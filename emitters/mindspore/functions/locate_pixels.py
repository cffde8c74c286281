"""Where in an axis each element lies of the axis resized."""

import mindspore as ms
from mindspore import ops


def locate_pixels(
    size: int,
    output: int,
    scale: ms.Tensor,
    coordinates: str,
    bounds: tuple[ms.Tensor, ms.Tensor] | None = None,
) -> ms.Tensor:
    """Return the place of each of `output` elements among `size`, by one of ONNX's rules."""
    steps, last = ops.arange(output).astype(ms.float32), size - 1
    gaps = output - 1 if output > 1 else 1
    if coordinates == "asymmetric":
        return steps / scale
    if coordinates == "align_corners":
        return steps * (last / gaps)
    if bounds is not None:
        start, end = bounds
        middle = 0.5 * (start + end) * last
        step = (end - start) * (last / gaps)
        return start * last + steps * step if output > 1 else middle + steps
    places = (steps + 0.5) / scale - 0.5
    if coordinates == "pytorch_half_pixel":
        return places if output > 1 else steps
    if coordinates == "half_pixel_symmetric":
        return places + size / 2 * (1 - output / (scale * size))
    return places
