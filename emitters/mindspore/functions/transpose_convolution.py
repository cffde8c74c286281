"""A transposed convolution by a weight that is computed."""

import mindspore as ms
from mindspore import ops


def transpose_convolution(
    x: ms.Tensor,
    weight: ms.Tensor,
    bias: ms.Tensor | None = None,
    stride: tuple[int, ...] = (),
    pads: tuple[int, ...] = (),
    output_padding: tuple[int, ...] = (),
    dilation: tuple[int, ...] = (),
    groups: int = 1,
    output_size: tuple[int, ...] | None = None,
    upper: bool = False,
) -> ms.Tensor:
    """Return the convolution of x, zeros between its elements, by the weight read backwards.

    ops.conv_transpose2d of MindSpore 2.10 has no kernel on CPU.
    """
    axes, kernel = len(stride), weight.shape[2:]
    inner, outer = weight.shape[0] // groups, weight.shape[1]
    weight = ops.flip(weight, tuple(range(2, axes + 2)))
    weight = weight.reshape(groups, inner, outer, *kernel)
    weight = ops.swapaxes(weight, 1, 2).reshape(groups * outer, inner, *kernel)
    sides: tuple[int, ...] = ()
    for i in range(axes):
        size, axis = x.shape[i + 2], i + 2
        if stride[i] > 1:
            x = ops.unsqueeze(x, axis + 1)
            zeros = [ops.zeros_like(x)] * (stride[i] - 1)
            x = ops.cat((x, *zeros), axis=axis + 1)
            x = x.reshape(*x.shape[:axis], size * stride[i], *x.shape[axis + 2 :])
            x = ops.swapaxes(ops.swapaxes(x, 0, axis)[: (size - 1) * stride[i] + 1], 0, axis)
        reach = (kernel[i] - 1) * dilation[i]
        if output_size is None:
            before, after = pads[i], pads[axes + i] - output_padding[i]
        else:
            wanted = output_size[i] if output_size[i] > 0 else size * stride[i]
            total = (size - 1) * stride[i] + reach + 1 + output_padding[i] - wanted
            behind = -total if total < 0 else 0
            total = total if total > 0 else 0
            before = total // 2 if upper else total - total // 2
            after = total - before - output_padding[i] - behind
        sides = (reach - before, reach - after, *sides)
    if axes == 1:  # as planes of one row
        x, weight = ops.unsqueeze(x, 2), ops.unsqueeze(weight, 2)
        dilation = (1, *dilation)
    x = ops.pad(x, sides)
    convolve = ops.conv3d if axes == 3 else ops.conv2d
    result = convolve(x, weight, bias, dilation=dilation, groups=groups)
    return ops.squeeze(result, 2) if axes == 1 else result
