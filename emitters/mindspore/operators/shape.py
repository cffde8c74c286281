"""Operators that give elements another shape, and compute nothing."""

from ....compiler.ir.dims import Dim, Size
from ....compiler.ir.graph import axis_of
from ..code import ATOM, Code, Expression, Layer, call
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
    """Reshape-24.

    The batch stays open: where the first dimension is the input's own, it is written -1.
    """
    shape = op.result_dims()
    given = op.sizes(1)
    if -1 in given and 0 not in shape:
        shape = tuple(-1 if size == -1 else known for size, known in zip(given, shape, strict=True))
    return reshaped(op, shape)


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
        if not free and not symbols and shape[:1] == before[:1]:
            free = [0]
        shape = tuple(-1 if i in free else size for i, size in enumerate(shape))
    elif len(shape) == 1 and isinstance(shape[0], Dim):
        shape = (-1,)
    return Expression("ops.reshape({0}, {shape})", (op[0],), {"shape": shape}, closes=True)


@emits("Transpose")
def transpose(op: Op) -> Code:
    """Transpose-24; without `perm` all axes are reversed."""
    perm: tuple[int, ...] = op.attr("perm", tuple(reversed(range(op.rank(0)))))
    return Expression("ops.transpose({0}, {axes})", (op[0],), {"axes": tuple(perm)})


@emits("Unsqueeze")
def unsqueeze(op: Op) -> Code:
    """Unsqueeze-24; axes count in the result."""
    axes = op.integers(1)
    if len(axes) == 1:
        return call("ops.unsqueeze", op[0], dim=axes[0])
    rank = op.rank(0) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    index = ", ".join("None" if axis in new else ":" for axis in range(max(new, default=-1) + 1))
    return Expression(f"{{0}}[{index}]" if index else "{0}", (op[0],), slots=(ATOM,))


@emits("Squeeze")
def squeeze(op: Op) -> Code:
    """Squeeze-24; without axes all dimensions of 1 go."""
    shape = op.dims(0)
    axes = op.integers(1) if op.has(1) else tuple(i for i, dim in enumerate(shape) if dim == 1)
    if not axes:
        return Expression("{0}", (op[0],))
    found = tuple(axis_of(axis, len(shape)) for axis in axes)
    return call("ops.squeeze", op[0], axis=found[0] if len(found) == 1 else found)


@emits("Expand")
def expand(op: Op) -> Code:
    """Expand-13 to a known shape; the input's own dimensions may be the larger ones."""
    return Expression(
        "ops.broadcast_to({0}, {shape})", (op[0],), {"shape": op.result_dims()}, closes=True
    )


@emits("Tile")
def tile(op: Op) -> Code:
    """Tile-13."""
    return Expression("ops.tile({0}, {repeats})", (op[0],), {"repeats": op.sizes(1)})
