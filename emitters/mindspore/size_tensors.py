"""Sizes as tensors."""

from ...compiler.ir.dims import Dim, Size
from .code import Code, Expression
from .dtypes import mindspore_dtype
from .registry import Op


def size_tensor(op: Op) -> Code | None:
    """Return a tensor of sizes as one that is made of Python's numbers; None if it is none."""
    value = op.node.outputs[0]
    if op.known is None or len(op.node.outputs) > 1 or value.dtype is None:
        return None
    content, found = op.known.content(value), op.known.integers(value)
    if content is None or found is None or content.ndim > 1:
        return None
    if not value.dtype.is_integer() or not any(isinstance(size, Dim) for size in found):
        return None
    if not all(map(op.known.tells, found)):
        return None
    whole: Size | tuple[Size, ...] = found if content.ndim else found[0]
    return Expression(f"ms.Tensor({{size}}, {mindspore_dtype(value.dtype)})", (), {"size": whole})
