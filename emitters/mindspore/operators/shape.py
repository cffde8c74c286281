"""Operators that give elements another shape, and compute nothing."""

import onnx_ir as ir

from ....compiler.ir.dims import Dim, Size
from ....compiler.ir.graph import axis_of
from ..code import ATOM, PRODUCT, Code, Expression, Layer, Literal
from ..draft import Draft
from ..dtypes import mindspore_dtype
from ..registry import Op, emits


@emits("Identity")
def identity(op: Op) -> Code:
    """Identity-24: a second name of a value."""
    return Expression("{0}", (op[0],))


@emits("Flatten")
def flatten(op: Op) -> Code:
    """Flatten-24: the axes before `axis` become one, and the others."""
    rank = op.rank(0)
    axis = axis_of(op.attr("axis", 1), rank)
    if axis == 1 and rank >= 2:
        cell = Layer("nn.Flatten", {}, (op[0],), word="flatten")
        return Expression("ops.flatten({0})", (op[0],), cell=cell, closes=True)
    return reshaped(op, op.result_dims())


@emits("Reshape")
def reshape(op: Op) -> Code:
    """Reshape-24 to a shape that is given, or computed.

    The batch stays open: where the first dimension is the input's own, it is written -1.
    """
    if not op.has_sizes(1):
        return computed_reshape(op)
    shape = op.result_dims()
    given = op.sizes(1)
    if -1 in given and 0 not in shape:
        shape = tuple(-1 if size == -1 else known for size, known in zip(given, shape, strict=True))
    return reshaped(op, shape)


def computed_reshape(op: Op) -> Code:
    """Return a Reshape to a computed shape; a 0 in it is a dimension of the input's."""
    draft = Draft(op)
    source = draft.operand(0, ATOM)
    if op.attr("allowzero", 0):
        return draft.expression(f"{source}.reshape({draft.integers(1, 'shape')})", closes=True)
    rank, count = op.rank(0), op.count(1)
    longer = (op.result_rank if count is None else count) > rank
    shape, again = draft.operand(1, ATOM if longer else 0), draft.operand(0, ATOM)
    copied = f"{shape}[:{rank}]" if longer else shape
    sizes = f"tuple(int(size) or {again}.shape[i] for i, size in enumerate({copied}))"
    if longer:
        sizes += f" + tuple(int(size) for size in {draft.operand(1, ATOM)}[{rank}:])"
    return draft.expression(f"{source}.reshape({sizes})", closes=True)


def reshaped(op: Op, shape: tuple[Size, ...]) -> Expression:
    """Return the input in another shape.

    What is not to be computed is written -1: of several open sizes the one that is no symbol, of
    known ones the batch, so that it may be any.
    """
    before = op.dims(0)
    if -1 not in shape and 0 not in shape and len(shape) > 1:
        computed = [i for i, size in enumerate(shape) if isinstance(size, Dim) and not size.symbol]
        symbols = [i for i, size in enumerate(shape) if isinstance(size, Dim) and size.symbol]
        free = computed[:1] or (symbols if len(symbols) == 1 else [])
        if not free and not symbols and (shape[:1] == before[:1] or is_of_batch(before, shape)):
            free = [0]
        shape = tuple(-1 if i in free else size for i, size in enumerate(shape))
    elif len(shape) == 1 and isinstance(shape[0], Dim):
        shape = (-1,)
    settings: dict[str, Literal] = {"shape": shape}
    return Expression("{0}.reshape({shape:bare})", (op[0],), settings, slots=(ATOM,), closes=True)


def is_of_batch(before: tuple[Size, ...], shape: tuple[Size, ...]) -> bool:
    """Tell whether pictures become so many windows each along the first axis, or the reverse."""
    one, other = before[0] if before else 0, shape[0]
    if len(before) < 3 or len(shape) < 3 or not isinstance(one, int) or not isinstance(other, int):
        return False
    return one > 0 and other > 0 and (one % other == 0 or other % one == 0)


@emits("Transpose")
def transpose(op: Op) -> Code:
    """Transpose-24; without `perm` all axes are reversed."""
    perm: tuple[int, ...] = op.attr("perm", tuple(reversed(range(op.rank(0)))))
    moved = tuple(axis for axis, source in enumerate(perm) if axis != source)
    if len(moved) == 2:
        return Expression("{0}.swapaxes({axes:bare})", (op[0],), {"axes": moved}, slots=(ATOM,))
    if not moved:
        return Expression("{0}", (op[0],))
    settings: dict[str, Literal] = {"axes": tuple(perm)}
    return Expression("{0}.transpose({axes:bare})", (op[0],), settings, slots=(ATOM,))


@emits("Unsqueeze")
def unsqueeze(op: Op) -> Code:
    """Unsqueeze-24; axes count in the result."""
    if not op.is_constant(1):
        return computed_unsqueeze(op)
    axes = op.integers(1)
    if len(axes) == 1:
        return Expression("{0}.unsqueeze({dim})", (op[0],), {"dim": axes[0]}, slots=(ATOM,))
    rank = op.rank(0) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    index = ", ".join("None" if axis in new else ":" for axis in range(max(new, default=-1) + 1))
    return Expression(f"{{0}}[{index}]" if index else "{0}", (op[0],), slots=(ATOM,))


def computed_unsqueeze(op: Op) -> Code:
    """Return an Unsqueeze at axes that are computed."""
    draft = Draft(op)
    count = op.count(1)
    wider = op.result_rank if count is None else op.rank(0) + count
    if wider == op.rank(0) + 1:
        return draft.expression(f"{draft.operand(0, ATOM)}.unsqueeze({draft.element(1)})")
    rank = draft.setting("rank", wider)
    new = f"[int(axis) % {rank} for axis in {draft.operand(1)}]"
    index = f"None if i in {new} else slice(None) for i in range({rank})"
    return draft.expression(f"{draft.operand(0, ATOM)}[tuple({index})]")


@emits("Squeeze")
def squeeze(op: Op) -> Code:
    """Squeeze-24; without axes all dimensions of 1 go."""
    if op.has(1) and not op.is_constant(1):
        draft = Draft(op)
        source = draft.operand(0, ATOM)
        return draft.expression(f"{source}.squeeze({draft.integers(1, 'axis')})")
    if op.has(1):
        axes = tuple(axis_of(axis, op.rank(0)) for axis in op.integers(1))
    else:
        axes = tuple(i for i, dim in enumerate(op.dims(0)) if dim == 1)
    if not axes:
        return Expression("{0}", (op[0],))
    axis = axes[0] if len(axes) == 1 else axes
    return Expression("{0}.squeeze({axis})", (op[0],), {"axis": axis}, slots=(ATOM,))


@emits("Expand")
def expand(op: Op) -> Code:
    """Expand-13 to a shape; the input's own dimensions may be the larger ones."""
    if op.has_sizes(1):
        settings: dict[str, Literal] = {"shape": op.result_dims()}
        template = "{0}.broadcast_to({shape})"
        return Expression(template, (op[0],), settings, slots=(ATOM,), closes=True)
    # ops.broadcast_to cannot make a dimension smaller: ones of that shape broadcast both ways
    draft = Draft(op)
    source = draft.operand(0, PRODUCT)
    ones = f"ops.ones({draft.integers(1, 'shape')}, {mindspore_dtype(op.dtype)})"
    if op.dtype == ir.DataType.BOOL:
        return draft.expression(f"ops.logical_and({source}, {ones})", closes=True)
    return draft.expression(f"{source} * {ones}", binds=PRODUCT)


@emits("Tile")
def tile(op: Op) -> Code:
    """Tile-13."""
    draft = Draft(op)
    source = draft.operand(0)
    return draft.expression(f"ops.tile({source}, {draft.integers(1, 'repeats')})")
