"""Operators that move elements and compute nothing."""

from ....compiler.ir.graph import axis_of
from ..code import ATOM, Code, Expression, Layer, call
from ..registry import CannotEmit, Op, emits


@emits("Identity")
def identity(op: Op) -> Code:
    """Identity-24: a second name of a value."""
    return Expression("{0}", (op[0],))


@emits("Concat")
def concat(op: Op) -> Code:
    """Concat-13."""
    places = "".join(f"{{{i}}}, " for i in range(len(op.inputs))).removesuffix(
        " " if len(op.inputs) == 1 else ", "
    )
    return Expression(
        f"ops.cat(({places}), axis={{axis}})", op.inputs, {"axis": op.attr("axis", 0)}
    )


@emits("Flatten")
def flatten(op: Op) -> Code:
    """Flatten-24: the axes before `axis` become one, and the others."""
    rank = op.rank(0)
    axis = axis_of(op.attr("axis", 1), rank)
    if axis == 1 and rank >= 2:
        cell = Layer("nn.Flatten", {}, (op[0],), word="flatten")
        return Expression("ops.flatten({0})", (op[0],), cell=cell, closes=True)
    if axis == 0:
        return Expression("{0}.reshape(1, -1)", (op[0],), slots=(ATOM,), closes=True)
    raise CannotEmit(f"Flatten at axis {axis} is not supported yet")


@emits("Reshape")
def reshape(op: Op) -> Code:
    """Reshape-24: 0 copies the input's dimension, unless allowzero; one -1 is inferred.

    The batch stays open: where the first dimension is the input's own, it is written -1.
    """
    shape = list(op.integers(1))
    if not op.attr("allowzero", 0):
        shape = [op.shape(0)[i] if dim == 0 else dim for i, dim in enumerate(shape)]
    return Expression(
        "{0}.reshape{shape}" if len(shape) != 1 else "{0}.reshape({shape})",
        (op[0],),
        {"shape": tuple(shape) if len(shape) != 1 else shape[0]},
        slots=(ATOM,),
        closes=True,
    )


@emits("Transpose")
def transpose(op: Op) -> Code:
    """Transpose-24; without `perm` all axes are reversed."""
    perm = op.attr("perm", tuple(reversed(range(op.rank(0)))))
    return call_axes("ops.transpose({0}, {axes})", op, tuple(perm))


@emits("Unsqueeze")
def unsqueeze(op: Op) -> Code:
    """Unsqueeze-24; axes count in the result."""
    axes = op.integers(1)
    if len(axes) != 1:
        raise CannotEmit("Unsqueeze of several axes is not supported yet")
    return call("ops.unsqueeze", op[0], dim=axes[0])


@emits("Squeeze")
def squeeze(op: Op) -> Code:
    """Squeeze-24; without axes all dimensions of 1 go."""
    shape = op.shape(0)
    axes = op.integers(1) if op.has(1) else tuple(i for i, dim in enumerate(shape) if dim == 1)
    return call_axes("ops.squeeze({0}, {axes})", op, tuple(axis_of(a, len(shape)) for a in axes))


@emits("Pad")
def pad(op: Op) -> Code:
    """Pad-24 with constant pads; ONNX writes all starts, then all ends.

    ops.pad counts from the last axis, as torch does, and leaves out axes that are not padded.
    """
    rank, pads = op.rank(0), op.integers(1)
    axes = tuple(axis_of(a, rank) for a in op.integers(3)) if op.has(3) else tuple(range(rank))
    starts = dict(zip(axes, pads[: len(axes)], strict=True))
    ends = dict(zip(axes, pads[len(axes) :], strict=True))
    if min(pads, default=0) < 0:
        raise CannotEmit("Pad with negative pads is not supported yet")
    if op.attr("mode", "constant") != "constant":
        raise CannotEmit(f"Pad in mode {op.attr('mode', 'constant')} is not supported yet")
    first = min((a for a in axes if starts[a] or ends[a]), default=rank - 1)
    padding = tuple(
        side.get(axis, 0) for axis in reversed(range(first, rank)) for side in (starts, ends)
    )
    value = op.constant(2).item() if op.has(2) else 0
    if value == 0:
        return call_axes("ops.pad({0}, {axes})", op, padding)
    return Expression(
        "ops.pad({0}, {padding}, value={value})", (op[0],), {"padding": padding, "value": value}
    )


def call_axes(template: str, op: Op, axes: tuple[int, ...]) -> Expression:
    """Return a call with one operand and a tuple of axes."""
    return Expression(template, (op[0],), {"axes": axes})
