"""Operators that pick elements by indices, and put some."""

import onnx_ir as ir

from ....compiler.ir.graph import axis_of
from ..code import (
    ATOM,
    COMPARISON,
    SUM,
    Argument,
    Code,
    Expression,
    Layer,
    Literal,
    WeightSource,
    call,
)
from ..draft import Draft
from ..dtypes import FLOAT32, dtype_of, mindspore_dtype
from ..registry import CannotEmit, Op, emits

EMBEDDING_DEFAULTS: dict[str, Argument] = {"dtype": FLOAT32}


@emits("Gather")
def gather(op: Op) -> Code:
    """Gather-13: one index, rows of an embedding, or any elements along an axis."""
    axis = axis_of(op.attr("axis", 0), op.rank(0))
    if op.is_constant(1) and op.rank(1) == 0:
        places = [":"] * axis + ["{index}"]
        index = {"index": op.number(1)}
        return Expression(f"{{0}}[{', '.join(places)}]", (op[0],), index, slots=(ATOM,))
    if axis == 0 and is_embedding(op):
        return embedding(op)
    settings = {"axis": op.attr("axis", 0)}
    return Expression("ops.gather({0}, {1}, {axis})", (op[0], op[1]), settings)


def is_embedding(op: Op) -> bool:
    """Tell whether rows of a weight are looked up."""
    return (
        op.is_constant(0)
        and not op.is_constant(1)
        and op.rank(0) == 2
        and op.dtype.is_floating_point()
    )


def embedding(op: Op) -> Layer:
    """Return a Gather of a weight's rows as a layer."""
    table = WeightSource(op[0])
    arguments: dict[str, Argument] = {
        "vocab_size": table.shape[0],
        "embedding_size": table.shape[1],
        "dtype": dtype_of(table),
    }
    return Layer(
        "nn.Embedding",
        arguments,
        (op[1],),
        {"embedding_table": table},
        EMBEDDING_DEFAULTS,
        positional=2,
        word="embedding",
    )


@emits("GatherElements")
def gather_elements(op: Op) -> Code:
    """GatherElements-13."""
    axis = {"axis": op.attr("axis", 0)}
    return Expression("ops.gather_elements({0}, {axis}, {1})", (op[0], op[1]), axis)


@emits("GatherND")
def gather_nd(op: Op) -> Code:
    """GatherND-13; `lower_negative_indices` has seen to constant ones."""
    if op.attr("batch_dims", 0):
        raise CannotEmit("GatherND with batch dimensions")
    return call("ops.gather_nd", op[0], op[1])


@emits("ScatterElements")
def scatter_elements(op: Op) -> Code:
    """ScatterElements-18 that replaces or adds."""
    reduction = op.attr("reduction", "none")
    if reduction not in ("none", "add"):
        raise CannotEmit(f"ScatterElements with reduction {reduction}")
    settings: dict[str, Literal] = {"axis": op.attr("axis", 0)}
    how = ', reduction="add"' if reduction == "add" else ""
    template = f"ops.tensor_scatter_elements({{0}}, {{1}}, {{2}}, {{axis}}{how})"
    return Expression(template, (op[0], op[1], op[2]), settings)


SCATTER_ND = {
    "none": "ops.tensor_scatter_update",
    "add": "ops.tensor_scatter_add",
    "mul": "ops.tensor_scatter_mul",
    "max": "ops.tensor_scatter_max",
    "min": "ops.tensor_scatter_min",
}


@emits("ScatterND")
def scatter_nd(op: Op) -> Code:
    """ScatterND-18."""
    return call(SCATTER_ND[op.attr("reduction", "none")], op[0], op[1], op[2])


@emits("OneHot")
def one_hot(op: Op) -> Code:
    """OneHot-11."""
    draft = Draft(op)
    depth = op.number(1)
    count = draft.element(1) if depth is None else draft.setting("depth", int(float(str(depth))))
    indices, cast = one_hot_indices(draft, count), ""
    if op.is_constant(2):
        off, on = op.constant(2).tolist()
        dtype = op[2].dtype or ir.DataType.FLOAT
        if dtype not in (ir.DataType.FLOAT, ir.DataType.INT64):  # what Python's numbers become
            cast = f".astype({mindspore_dtype(dtype)})"
        values = f"{draft.setting('on', on)}, {draft.setting('off', off)}"
    else:
        values = f"{draft.operand(2, ATOM)}[1], {draft.operand(2, ATOM)}[0]"
    axis = axis_of(op.attr("axis", -1), op.rank(0) + 1)
    where = draft.setting("axis", -1 if axis == op.rank(0) else axis)
    return draft.expression(f"ops.one_hot({indices}, {count}, {values}, {where}){cast}")


def one_hot_indices(draft: Draft, count: str) -> str:
    """Return the indices of a OneHot, counted from the front."""
    op = draft.op
    if op.is_constant(0) and op.constant(0).min(initial=0) >= 0:
        return draft.operand(0)
    cast = "" if op.dtype in (ir.DataType.INT32, ir.DataType.INT64) else ".astype(ms.int64)"
    index = [draft.operand(0, ATOM if cast else place) + cast for place in (SUM, SUM, 0)]
    return f"ops.where({index[0]} < 0, {index[1]} + {count}, {index[2]})"


@emits("Trilu")
def trilu(op: Op) -> Code:
    """Trilu-14.

    ops.tril of MindSpore 2.10 takes no diagonal that is computed in GRAPH, and no empty matrix.
    """
    function = "ops.triu" if op.attr("upper", 1) else "ops.tril"
    if not op.has(1) or op.number(1) == 0:
        return call(function, op[0])
    if op.is_constant(1) and op.has_known_elements(0):
        return call(function, op[0], diagonal=op.integers(1)[0])
    draft = Draft(op)
    height, width = op.dims(0)[-2:]
    rows, columns = draft.setting("rows", height), draft.setting("columns", width)
    offset = f"ops.arange({columns}) - ops.unsqueeze(ops.arange({rows}), 1)"
    kept = f"{offset} {'>=' if op.attr('upper', 1) else '<='} {draft.operand(1, COMPARISON + 1)}"
    return draft.expression(
        f"ops.where({kept}, {draft.operand(0)}, ops.zeros_like({draft.operand(0)}))"
    )


@emits("Compress")
def compress(op: Op) -> Code:
    """Compress-11: what stands where the condition is true, along an axis or of all elements."""
    draft = Draft(op)
    axis = draft.setting("axis", op.attr("axis", 0))
    source = draft.operand(0)
    source = source if "axis" in op.node.attributes else f"ops.flatten({source}, start_dim=0)"
    picked = f"ops.flatten(ops.nonzero({draft.operand(1)}), start_dim=0)"
    return draft.expression(f"ops.gather({source}, {picked}, {axis})")


@emits("NonZero")
def non_zero(op: Op) -> Code:
    """NonZero-13: ops.nonzero has a row an element, ONNX a column."""
    return Expression("ops.nonzero({0}).T", (op[0],))
