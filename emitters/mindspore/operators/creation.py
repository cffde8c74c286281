"""Tensors that are made, not computed from others: shapes, ramps, constants."""

import onnx_ir as ir

from ....compiler.ir.graph import elements
from ..code import ATOM, PRODUCT, SUM, Code, Expression, Literal
from ..draft import Draft
from ..dtypes import mindspore_dtype
from ..registry import Op, emits


@emits("ConstantOfShape")
def constant_of_shape(op: Op) -> Code:
    """ConstantOfShape-24 of a computed shape; float32 zeros without `value`."""
    value: ir.TensorProtocol | None = op.attr("value", None)
    item: Literal = 0.0 if value is None else elements(value).reshape(-1)[0].item()
    dtype = mindspore_dtype(ir.DataType.FLOAT if value is None else value.dtype)
    draft = Draft(op)
    shape = draft.integers(0, "shape")
    if item in (0, 1):
        return draft.expression(f"ops.{'ones' if item else 'zeros'}({shape}, {dtype})")
    return draft.expression(f"ops.full({shape}, {draft.setting('value', item)}, dtype={dtype})")


@emits("EyeLike")
def eye_like(op: Op) -> Code:
    """EyeLike-22: ones on the k-th diagonal."""
    rows, columns = op.dims(0)
    dtype = mindspore_dtype(op.attr("dtype", int(op.dtype)))
    k = op.attr("k", 0)
    settings: dict[str, Literal] = {"rows": rows, "columns": columns}
    if k == 0:
        return Expression(f"ops.eye({{rows}}, {{columns}}, {dtype})", (), settings)
    settings["k"] = k
    template = "ops.arange({columns}) - ops.unsqueeze(ops.arange({rows}), 1) == {k}"
    return Expression(f"({template}).astype({dtype})", (), settings)


@emits("Range")
def arange(op: Op) -> Code:
    """Range-11: start + i * delta, for as many i as stay before the limit.

    ops.range of MindSpore 2.10 makes float32 of float64, and refuses bounds between which nothing
    lies.
    """
    draft = Draft(op)
    if all(op.has_sizes(i) for i in range(3)):
        return counted(op)
    if op.dtype.is_floating_point():
        begin, delta = draft.operand(0, SUM), draft.operand(2, PRODUCT)
        end, first = draft.operand(1, SUM), draft.operand(0, SUM + 1)
        steps = f"ops.ceil(({end} - {first}) / {draft.operand(2, PRODUCT + 1)})"
        template = f"{begin} + {delta} * ops.arange(int(ops.relu({steps})))"
        return draft.expression(template, binds=SUM)
    bounds = [draft.operand(0), draft.operand(1, SUM), draft.operand(0, SUM + 1)]
    ahead = f"({bounds[1]} - {bounds[2]}) * {draft.operand(2, PRODUCT + 1)} > 0"
    end = f"ops.where({ahead}, {draft.operand(1)}, {draft.operand(0)})"
    template = f"ops.range({bounds[0]}, {end}, {draft.operand(2)})"
    if op.dtype != ir.DataType.INT64:
        template += f".astype({mindspore_dtype(op.dtype)})"
    return draft.expression(template)


def counted(op: Op) -> Code:
    """Return a Range between whole numbers that are computed from shapes."""
    start, limit, step = (op.sizes(i)[0] for i in range(3))
    settings: dict[str, Literal] = {"limit": limit}
    template = "{limit}"
    if start != 0 or step != 1:
        settings["start"] = start
        template = "{start}, {limit}"
    if step != 1:
        settings["step"] = step
        template += ", {step}"
    return Expression(f"ops.arange({template}, dtype={mindspore_dtype(op.dtype)})", (), settings)


@emits("Shape")
def shape(op: Op) -> Code:
    """Shape-24, where something computes with it that is no shape."""
    draft = Draft(op)
    rank = op.rank(0)
    start, end = op.attr("start", 0), op.attr("end", rank)
    source = f"ops.TensorShape()({draft.operand(0)})"
    if (start, end) != (0, rank):
        source += f"[{draft.setting('start', start)}:{draft.setting('end', end)}]"
    return draft.expression(source)


@emits("Size")
def size(op: Op) -> Code:
    """Size-24."""
    return Expression("Tensor({0}.size, ms.int64)", (op[0],), slots=(ATOM,))
