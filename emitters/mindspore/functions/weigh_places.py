"""How much each element of an axis counts at places between them."""

import mindspore as ms
from mindspore import ops


def weigh_places(
    places: ms.Tensor,
    size: int,
    cubic: float | None,
    scale: ms.Tensor | None,
    exclude_outside: bool,
) -> ms.Tensor:
    """Return the weight of each of `size` elements at each place, (size, places).

    By the cubic convolution (R. Keys, 1981) with its coefficient, or linearly; with a scale below 1
    by as many elements as the result lets out. Those at the ends are repeated beyond them.
    """
    reach = 4
    if scale is not None:
        scale = ops.minimum(scale, ops.ones_like(scale))
        reach = int(ops.ceil(2 / scale)) + 2
    sources = ops.unsqueeze(ops.arange(-reach, size + reach).astype(ms.float32), 1)
    distance = ops.abs(places - sources)
    if scale is not None:
        distance = distance * scale
    weights = ops.relu(1 - distance)
    if cubic is not None:
        near = ((cubic + 2) * distance - (cubic + 3)) * distance * distance + 1
        far = ((cubic * distance - 5 * cubic) * distance + 8 * cubic) * distance - 4 * cubic
        far = far * (distance < 2).astype(ms.float32)
        weights = ops.where(distance <= 1, near, far)
    own = ops.clamp(sources, 0, size - 1) == ops.arange(size).astype(ms.float32)
    if exclude_outside:
        own = own & (sources >= 0) & (sources <= size - 1)
    weights = ops.matmul(ops.transpose(own.astype(ms.float32), (1, 0)), weights)
    if cubic is None and scale is None:
        return weights
    return weights / weights.sum(0, keepdims=True)
