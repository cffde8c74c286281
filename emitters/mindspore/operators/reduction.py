"""Reductions over axes."""

import onnx_ir as ir

from ....compiler.ir.dialect import DOMAIN
from ....compiler.ir.reductions import neutral
from ..code import ATOM, Code, Expression, Literal, even, literal
from ..draft import Draft
from ..dtypes import mindspore_dtype
from ..registry import Op, emits

# operator: what is reduced, the name of the argument that keeps the axes, what comes after
FUNCTIONS = {
    "ReduceL1": ("ops.sum(ops.abs({0}), {axis})", "keepdim"),
    "ReduceL2": ("ops.norm({0}, dim={axis})", "keepdim"),
    "ReduceLogSum": ("ops.sum({0}, {axis})", "keepdim"),
    "ReduceLogSumExp": ("log_sum_exp({0}, {axis})", "keepdim"),
    "ReduceMax": ("ops.amax({0}, {axis})", "keepdims"),
    "ReduceMean": ("ops.mean({0}, {axis})", "keep_dims"),
    "ReduceMin": ("ops.amin({0}, {axis})", "keepdims"),
    "ReduceProd": ("ops.prod({0}, {axis})", "keep_dims"),
    "ReduceSum": ("ops.sum({0}, {axis})", "keepdim"),
    "ReduceSumSquare": ("ops.sum(ops.square({0}), {axis})", "keepdim"),
}
SAME_TYPE = ("ReduceMax", "ReduceMean", "ReduceMin")
"""What keeps an integer's type; sums and products are int64."""

LOGICAL = {"ReduceMax": "ops.any({0}, {axis})", "ReduceMin": "ops.all({0}, {axis})"}
HELPERS = {"ReduceLogSumExp": ("log_sum_exp",)}
# what the operators do to each element, where there is no axis to reduce
ELEMENTS = {
    "ReduceL1": "ops.abs({0})",
    "ReduceL2": "ops.abs({0})",
    "ReduceLogSum": "ops.log({0})",
    "ReduceSumSquare": "ops.square({0})",
}


@emits(*FUNCTIONS)
def reduction(op: Op) -> Code:
    """ReduceMean-18, ReduceSum-13, ReduceMax-20 and their like, over axes given or computed.

    ops.amax and ops.amin of MindSpore 2.10 pass over NaN, on CPU.
    """
    kind, rank, draft = op.node.op_type, op.rank(0), Draft(op)
    reduces_all = not op.has(1) or op.has_empty_axis(1)
    noop = bool(op.attr("noop_with_empty_axes", 0))
    if rank == 0 or (reduces_all and noop):
        return draft.expression(ELEMENTS.get(kind, "{0}").format(draft.operand(0)))
    template, keep = FUNCTIONS[kind]
    if op.dtype == ir.DataType.BOOL:
        template, keep = LOGICAL[kind], "keep_dims"
    if kind == "ReduceL2" and not (op.has(1) and op.is_constant(1) and op.size(1, 0) in (1, 2)):
        template = "ops.sqrt(ops.sum(ops.square({0}), {axis}))"  # ops.norm is over one axis or two
    if op.attr("keepdims", 1):
        template = template.replace("{axis})", f"{{axis}}, {keep}=True)")
    if kind == "ReduceLogSum":
        template = f"ops.log({template})"
    # GRAPH mode gives the mean of integers that are constants as float64
    means = kind == "ReduceMean"
    narrow = op.dtype != ir.DataType.INT64 and kind not in SAME_TYPE
    if op.dtype.is_integer() and (narrow or means):
        template += f".astype({mindspore_dtype(op.dtype)})"
    if not (reduces_all or op.has_sizes(1)):
        return computed_reduction(draft, template)
    source = draft.operand(0)
    if reduces_all:
        axis = draft.setting("axis", tuple(range(rank)) if rank > 1 else 0)
    else:
        axis = draft.integers(1, "axis", single=True)
    template = template.replace("{0}", source).replace("{axis}", axis)
    return draft.expression(template, closes=True, helpers=HELPERS.get(kind, ()))


def computed_reduction(draft: Draft, template: str) -> Code:
    """Return a reduction over axes that are computed, all of them where there are none."""
    op = draft.op
    source, axis = draft.operand(0), draft.integers(1, "axis", single=True)
    helpers = HELPERS.get(op.node.op_type, ())
    if not op.has_known_elements(0):
        nothing = literal(neutral(op.node.op_type, op.dtype))
        source = f"fill_empty({source}, {draft.operand(1)}, {nothing})"
        helpers = ("fill_empty", *helpers)
    is_open = op.count(1) is None
    if is_open:
        every = draft.setting("every", tuple(range(op.rank(0))))
        axis = f"{axis} or {every}"
    template = template.replace("{0}", source).replace("{axis}", axis)
    if is_open and op.attr("noop_with_empty_axes", 0):
        alone = ELEMENTS.get(op.node.op_type, "{0}").format(draft.operand(0))
        template = f"{template} if {draft.operand(1, ATOM)}.shape[0] else {alone}"
        return draft.expression(f"({template})", helpers=helpers)
    return draft.expression(template, closes=True, helpers=helpers)


SPREADS = {"StandardDeviation": "ops.std", "Variance": "ops.var"}


@emits(*SPREADS, domain=DOMAIN)
def spread(op: Op) -> Code:
    """The variance over axes, divided by their size less a correction, or its root."""
    settings: dict[str, Literal] = {"axis": even(op.attr("axes", ()))}
    template = f"{SPREADS[op.node.op_type]}({{0}}, {{axis}}"
    if correction := op.attr("correction", 0):
        template += ", ddof={ddof}"
        settings["ddof"] = correction
    template += ", keepdims=True)" if op.attr("keepdims", 1) else ")"
    return Expression(template, (op[0],), settings, closes=True)
