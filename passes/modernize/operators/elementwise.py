"""Arithmetic, logic and activations."""

import onnx_ir as ir

from ....compiler.ir.graph import attribute, axis_of, shape_of
from ...rewrite import set_attribute
from ..form import Form, reads

NUMPY_BROADCASTING = 7
"""Since this version operands broadcast as in NumPy."""


@reads("Add", "Sub", "Mul", "Div", versions=(1, 6, 7, 13, 14))
@reads("Pow", versions=(1, 7, 12, 13, 15))
@reads("And", "Or", "Xor", versions=(1, 7))
@reads("Equal", versions=(1, 7, 11, 13, 19))
@reads("Greater", "Less", versions=(1, 7, 9, 13))
def binary(form: Form) -> None:
    """Operators of two operands; the second once stood at `axis` of the first."""
    if form.version >= NUMPY_BROADCASTING:
        return
    axis: int | None = form.take("axis", None)
    if form.take("broadcast", 0) and axis is not None:
        rank = form.rank(0)
        _append_axes(form, rank - axis_of(axis, rank) - form.rank(1))


@reads("PRelu", versions=(1, 6, 7, 9, 16))
def prelu(form: Form) -> None:
    """PRelu; a vector of slopes once had one a channel."""
    if form.version < NUMPY_BROADCASTING and form.rank(1) == 1 and shape_of(form[1]) != (1,):
        _append_axes(form, form.rank(0) - 2)


def _append_axes(form: Form, count: int) -> None:
    """Give the second operand axes of size 1 at its end."""
    if count > 0:
        rank = form.rank(1)
        axes = form.ints(range(rank, rank + count), "axes")
        form.give(1, form.add("Unsqueeze", [form[1], axes]))


@reads("Clip", versions=(1, 6, 11, 12, 13))
def clip(form: Form) -> None:
    """Clip; the bounds were attributes. An absent one was, and is, that of the type."""
    if form.version >= 11:
        return
    for index, name in ((1, "min"), (2, "max")):
        bound: float | None = form.take(name, None)
        if bound is not None:
            form.give(index, form.like_input(bound, name))


@reads("Selu", versions=(1, 6, 22))
def selu(form: Form) -> None:
    """Selu; its first version had rounded coefficients."""
    if form.version < 6:
        form.keep("alpha", 1.6732)
        form.keep("gamma", 1.0507)


@reads("Cast", versions=(1, 6, 9, 13, 19, 21, 23, 24, 25, 28))
def cast(form: Form) -> None:
    """Cast; the type was a word."""
    if form.version < 6:
        word: str = form.take("to", "")
        set_attribute(form.node, "to", ir.DataType[word.upper()].value)


@reads("Sum", versions=(1, 6, 8, 13))
def variadic_sum(form: Form) -> None:
    """Sum; of two operands it is what everybody calls Add."""
    if len(form.node.inputs) == 2:
        form.node.op_type = "Add"


@reads("Mod", versions=(10, 13, 28))
def mod(form: Form) -> None:
    """Mod; since 28 it takes real numbers without fmod, and then has the divisor's sign."""
    left, right = form[0], form[1]
    dtype = left.dtype if left is not None else None
    if attribute(form.node, "fmod", 0) or dtype is None or not dtype.is_floating_point():
        return
    rest = form.add("Mod", [left, right], fmod=1, dtype=dtype)
    signs = form.add("Mul", [form.add("Sign", [rest]), form.add("Sign", [right])], dtype=dtype)
    differ = form.add("Less", [signs, form.like_input(0, "zero")])
    form.replace(form.add("Where", [differ, form.add("Add", [rest, right]), rest]))


@reads("Range", versions=(11, 27))
def arange(form: Form) -> None:
    """Range; since 27 it says in which precision halves are counted."""
    form.take("stash_type", 1)


@reads("Dropout", versions=(1, 6, 7, 10, 12, 13, 22))
def dropout(form: Form) -> None:
    """Dropout; ratio and mode were attributes, the mask had the data's type."""
    if form.version >= 12:
        return
    ratio, inactive = form.take("ratio", 0.5), form.take("is_test", 0)
    form.give(1, form.constant(ratio, "ratio", ir.DataType.FLOAT))
    if form.version < 7 and not inactive:
        form.give(2, form.constant(True, "training", ir.DataType.BOOL))
    if len(form.node.outputs) > 1:
        _mask_to_bool(form, form.node.outputs[1])


def _mask_to_bool(form: Form, mask: ir.Value) -> None:
    """Cast the mask for its readers, which may want it in the type that it had."""
    dtype = mask.dtype or ir.DataType.FLOAT
    if form.version < 10 and (mask.uses() or mask.is_graph_output()):
        form.follow("Cast", output=1, to=dtype.value)
    mask.type = ir.TensorType(ir.DataType.BOOL)
