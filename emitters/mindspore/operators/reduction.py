"""Reductions over axes."""

from ....compiler.ir.graph import axis_of
from ..code import Code, Expression, Literal
from ..registry import CannotEmit, Op, emits

FUNCTIONS = {
    "ReduceMean": "ops.mean({0}, {axis}, keep_dims={keep})",
    "ReduceSum": "ops.sum({0}, {axis}, keepdim={keep})",
    "ReduceMax": "ops.amax({0}, {axis}, keepdims={keep})",
    "ReduceMin": "ops.amin({0}, {axis}, keepdims={keep})",
}


@emits(*FUNCTIONS)
def reduction(op: Op) -> Code:
    """ReduceMean-18, ReduceSum-13, ReduceMax-20, ReduceMin-20 over constant axes."""
    rank = op.rank(0)
    axes = op.integers(1) if op.has(1) else ()
    if not axes:
        if op.attr("noop_with_empty_axes", 0):
            return Expression("{0}", (op[0],))
        axes = tuple(range(rank))
    if rank == 0:
        raise CannotEmit("a reduction of a scalar is not supported yet")
    keep = bool(op.attr("keepdims", 1))
    template = FUNCTIONS[op.node.op_type]
    if not keep:  # False is every function's default
        template = template.replace(template[template.rindex(", ") : -1], "")
    settings: dict[str, Literal] = {"axis": tuple(sorted(axis_of(a, rank) for a in axes))}
    if keep:
        settings["keep"] = True
    return Expression(template, (op[0],), settings, closes=True)
