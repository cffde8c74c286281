"""Tensors that are made from sizes: counts, filled ones, and sizes as tensors."""

from ....compiler.ir.dims import Dim, Size
from ....compiler.ir.graph import elements
from ..code import Code, Expression, Literal
from ..dtypes import mindspore_dtype
from ..registry import CannotEmit, Op, emits


@emits("Range")
def range_(op: Op) -> Code:
    """Range-11 between bounds that are computed from shapes."""
    start, limit, step = (op.sizes(i)[0] for i in range(3))
    settings: dict[str, Literal] = {"limit": limit}
    template = "{limit}"
    if start != 0 or step != 1:
        settings["start"] = start
        template = "{start}, {limit}"
    if step != 1:
        settings["step"] = step
        template += ", {step}"
    dtype = mindspore_dtype(op.dtype)
    return Expression(f"ops.arange({template}, dtype={dtype})", (), settings)


@emits("ConstantOfShape")
def constant_of_shape(op: Op) -> Code:
    """ConstantOfShape-24; float32 zeros without `value`."""
    value = op.node.attributes.get("value")
    tensor = None if value is None else value.as_tensor()
    number = 0.0 if tensor is None else elements(tensor).reshape(-1)[0].item()
    result = op.node.outputs[0].dtype
    if result is None:
        raise CannotEmit("the element type is not known")
    settings: dict[str, Literal] = {"shape": op.sizes(0)}
    dtype = mindspore_dtype(result)
    for function, one in (("ops.zeros", 0), ("ops.ones", 1)):
        if number == one:
            return Expression(f"{function}({{shape}}, {dtype})", (), settings)
    settings["value"] = number
    return Expression(f"ops.full({{shape}}, {{value}}, dtype={dtype})", (), settings)


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
    whole: Size | tuple[Size, ...] = found if content.ndim else found[0]
    return Expression(f"ms.Tensor({{size}}, {mindspore_dtype(value.dtype)})", (), {"size": whole})
