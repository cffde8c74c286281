"""Constants that are never in memory: all of one element, or another constant seen differently."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ...compiler.ir.evaluate import evaluate
from ...compiler.ir.graph import Array, elements
from ..rewrite import tensor_of

VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose")
"""Operators that move elements and change none."""

LAZY = (*VIEWS, "Slice", "Cast", "Expand", "DequantizeLinear")
"""Operators that are computed anew whenever a large constant is read."""


class Splat(ir.LazyTensor):
    """A tensor all of whose elements are the same.

    Attributes:
        element: The element, an array of rank 0.
    """

    def __init__(self, element: Array, shape: Sequence[int]) -> None:
        """Spread an element.

        Args:
            element: An array of one element.
            shape: Shape of the tensor.
        """
        self.element = element.reshape(())
        super().__init__(
            lambda: tensor_of(np.broadcast_to(self.element, tuple(shape))),
            dtype=tensor_of(self.element).dtype,
            shape=ir.Shape(shape),
        )


def lazily(
    node: ir.Node,
    operands: Sequence[ir.TensorProtocol | None],
    dtype: ir.DataType,
    shape: Sequence[int],
) -> ir.LazyTensor:
    """Return the output of a node that is computed whenever it is read.

    Args:
        node: An operator of `LAZY`; its attributes must not change any more.
        operands: Its inputs, read when the output is.
        dtype: Element type of the output.
        shape: Shape of the output.
    """

    def compute() -> ir.TensorProtocol:
        arrays = [None if operand is None else elements(operand) for operand in operands]
        return tensor_of(evaluate(node, arrays))

    return ir.LazyTensor(compute, dtype=dtype, shape=ir.Shape(shape))
