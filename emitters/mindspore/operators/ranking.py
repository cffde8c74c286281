"""Operators that look along one axis: where the largest is, sums so far."""

import onnx_ir as ir

from ....compiler.ir.graph import axis_of
from ..code import PRODUCT, SUM, Code, Expression, Literal
from ..draft import Draft
from ..registry import CannotEmit, Op, emits


@emits("ArgMax", "ArgMin")
def arg_extremum(op: Op) -> Code:
    """ArgMax-13, ArgMin-13: of several the first, or the last.

    ops.argmin of MindSpore 2.10 gives int32, and ops.argmax int64, as ONNX has it.
    """
    axis = axis_of(op.attr("axis", 0), op.rank(0))
    settings: dict[str, Literal] = {"axis": axis}
    last = op.attr("select_last_index", 0)
    operand = "ops.flip({0}, ({axis},))" if last else "{0}"
    keep = op.attr("keepdims", 1)
    if op.node.op_type == "ArgMax":
        template = f"ops.argmax({operand}, {{axis}}{', keepdim=True' if keep else ''})"
    else:
        keepdims = ", keepdims=True" if keep else ""
        template = f"ops.argmin({operand}, {{axis}}{keepdims}).astype(ms.int64)"
    if not last:
        return Expression(template, (op[0],), settings, closes=True)
    settings["last"] = op.dims(0)[axis] - 1
    return Expression(f"{{last}} - {template}", (op[0],), settings, SUM, (PRODUCT,), closes=True)


@emits("TopK")
def top_k(op: Op) -> Code:
    """TopK-24; `ops.topk` where nobody asks for places, since it has equal elements in any order.

    Nothing else ranks numbers of 64 bits without sign. Places are int32, which the pass
    `lower_indices` casts.
    """
    draft = Draft(op)
    source, axis = draft.operand(0), draft.setting("axis", op.attr("axis", -1))
    how = "" if op.attr("largest", 1) else ", largest=False"
    arguments = f"{source}, {draft.integer(1, 'k')}, {axis}{how}"
    if op.outputs == 1 or op.dtype == ir.DataType.UINT64:
        return draft.expression(f"ops.topk({arguments})", outputs=2)
    template = f"rank_elements({arguments})"
    return draft.expression(template, outputs=2, helpers=("rank_elements",))


@emits("CumSum", "CumProd")
def cumulative(op: Op) -> Code:
    """CumSum-14, CumProd-26."""
    draft = Draft(op)
    function, primitive = f"ops.{op.node.op_type.lower()}", f"ops.{op.node.op_type}"
    exclusive, reverse = bool(op.attr("exclusive", 0)), bool(op.attr("reverse", 0))
    product_of_integers = op.node.op_type == "CumProd" and op.dtype.is_integer()
    if exclusive or reverse or product_of_integers:  # ops.cumprod makes int64 of all of them
        function = f"{primitive}(exclusive={exclusive}, reverse={reverse})"
    return draft.expression(f"{function}({draft.operand(0)}, {draft.integer(1, 'axis')})")


@emits("ReverseSequence")
def reverse_sequence(op: Op) -> Code:
    """ReverseSequence-10."""
    settings: dict[str, Literal] = {
        "seq_dim": op.attr("time_axis", 0),
        "batch_dim": op.attr("batch_axis", 1),
    }
    if op.rank(1) != 1:
        raise CannotEmit("ReverseSequence by lengths that are no vector")
    template = "ops.reverse_sequence({0}, {1}, {seq_dim}, {batch_dim})"
    return Expression(template, (op[0], op[1]), settings)
