"""Cutting elements off, and adding some."""

from dataclasses import dataclass

import onnx_ir as ir

from ....compiler.ir.dialect import DOMAIN
from ....compiler.ir.dim_bounds import is_less
from ....compiler.ir.dims import Size, add, multiply
from ....compiler.ir.graph import axis_of
from ..code import ATOM, Code, Expression, Literal
from ..draft import Draft
from ..registry import CannotEmit, Op, emits

FAR = 2**31 - 1
"""Beyond the end of any axis; ops.strided_slice stays within it."""

PAD_MODES = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@dataclass(frozen=True)
class Cut:
    """What is taken along one axis: from `start` on, before `end`, every `step`-th element.

    Attributes:
        start: From 0 to size.
        end: From start to size.
        step: At least 1.
        size: Size of the axis.
        written: Start and end as the model has them, where Python reads them so: -1 for the last.
    """

    start: Size
    end: Size
    step: int
    size: Size
    written: tuple[Size, Size]

    @property
    def is_whole(self) -> bool:
        """Whether every element is taken, in order."""
        return (self.start, self.end, self.step) == (0, self.size, 1)


def open_cut(start: Size, end: Size, step: int, size: Size) -> Cut:
    """Return a cut of an axis of which the size, or a bound, is not known in numbers.

    Python brings bounds that lie beyond the axis to its ends, as ONNX does.
    """
    if step == -1 and start == -1 and isinstance(end, int) and end < -FAR:
        return Cut(0, size, 1, size, (0, size))
    if step < 0:
        raise CannotEmit("Slice backwards from a bound, of an axis whose size is not known")
    last = size if isinstance(end, int) and end >= FAR else end
    if step > 1:
        if isinstance(last, int) and last < 0:
            last = size + last
        if isinstance(start, int) and start < 0:
            start = size + start
    written = (from_end(start, size), from_end(last, size)) if step == 1 else (start, last)
    return Cut(start, last, step, size, written)


def from_end(bound: Size, size: Size) -> Size:
    """Return a bound counted from the end, as x[-3:] for x[size - 3:], if that is the same."""
    offset = add(bound, multiply(size, -1))
    return offset if isinstance(offset, int) and offset < 0 and is_less(0, bound) else bound


def read_cut(start: Size, end: Size, step: int, size: Size) -> Cut:
    """Return a cut as ONNX defines it, its bounds counted from the front and within the axis."""
    if not (isinstance(start, int) and isinstance(end, int) and isinstance(size, int)):
        return open_cut(start, end, step, size)
    first, last = (bound + size if bound < 0 else bound for bound in (start, end))
    if step > 0:
        first, last = (min(max(bound, 0), size) for bound in (first, last))
        last = max(first, last)
        written = (
            start if -size <= start < 0 else first,
            end if -size <= end < 0 else last,
        )
        return Cut(first, last, step, size, written)
    first, last = size - 1 - min(max(first, 0), size - 1), size - 1 - min(max(last, -1), size - 1)
    last = max(first, last)
    return Cut(first, last, -step, size, (first, last))


@emits("Slice")
def slice_(op: Op) -> Code:
    """Slice-13 at constant bounds; an axis with a negative step is flipped first.

    MindSpore 2.10: the gradient of x[::-1] is 0, and that of x[:, 1:4:2] raises an error
    (StridedSliceGrad … out of bounds).
    """
    if not (op.has_sizes(1) and op.has_sizes(2) and op.is_constant_or_absent(3, 4)):
        return computed_slice(op)
    shape = op.dims(0)
    starts, ends = op.sizes(1), op.sizes(2)
    axes = op.integers(3) if op.has(3) else tuple(range(len(starts)))
    steps = op.integers(4) if op.has(4) else (1,) * len(starts)
    cuts = [read_cut(0, size, 1, size) for size in shape]
    flipped: list[int] = []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        where = axis_of(axis, len(shape))
        cuts[where] = read_cut(start, end, step, shape[where])
        if step < 0:
            flipped.append(where)
    template, settings = "{0}", dict[str, Literal]()
    if flipped:
        template = "ops.flip({0}, {axes})"
        settings["axes"] = tuple(sorted(flipped))
    return cut_out(op, template, settings, cuts)


def computed_slice(op: Op) -> Code:
    """Return a Slice at bounds that are computed: `x[int(starts[0]):int(ends[0])]`.

    MindSpore 2.10 is wrong where a negative step meets a bound outside of the axis, silently, and
    derives no steps but 1: there the elements that Python's own range picks are gathered.
    """
    if op.count(1) is None:
        return counted_slice(op)
    rank, draft = op.rank(0), Draft(op)
    known = not op.has(3) or op.is_constant(3)
    axes = op.integers(3) if known and op.has(3) else tuple(range(op.size(1, 0)))
    plain = not op.has(4) or (op.is_constant(4) and set(op.integers(4)) <= {1})
    if known and plain:
        index, source = [":"] * rank, draft.operand(0, ATOM)
        for i, axis in enumerate(axes):
            start, end = (f"int({draft.operand(k, ATOM)}[{i}])" for k in (1, 2))
            index[axis_of(axis, rank)] = f"{start}:{end}"
        used = max((axis_of(axis, rank) for axis in axes), default=-1) + 1
        return draft.expression(f"{source}[{', '.join(index[:used])}]" if used else source)
    template = draft.operand(0)
    for i, axis in enumerate(axes):
        where = str(axis) if known else f"int({draft.operand(3, ATOM)}[{i}])"
        size = str(op.size(0, axis)) if known else f"{draft.operand(0, ATOM)}.shape[{where}]"
        bounds = [f"int({draft.operand(k, ATOM)}[{i}])" for k in (1, 2, 4) if op.has(k)]
        picked = f"Tensor(list(range({size})[{':'.join(bounds)}]), ms.int64)"
        template = f"ops.gather({template}, {picked}, {where})"
    return draft.expression(template)


def counted_slice(op: Op) -> Code:
    """Return a Slice of as many axes as there are bounds, by a function in the module."""
    draft = Draft(op)
    given = [draft.operand(i) for i in range(3)]
    given += [f"axes={draft.operand(3)}"] if op.has(3) else []
    given += [f"steps={draft.operand(4)}"] if op.has(4) else []
    return draft.expression(f"slice_axes({', '.join(given)})", helpers=("slice_axes",))


def cut_out(op: Op, template: str, settings: dict[str, Literal], cuts: list[Cut]) -> Expression:
    """Return what is taken of a template.

    MindSpore 2.10: where the last axis is whole and a step stands behind the first axis, the
    gradient of ops.strided_slice raises an error too (x[:, ::2] of three axes: StridedSliceGrad,
    6 input memory out of bounds); so rows are gathered where their numbers are known.
    """
    steps = [axis for axis, cut in enumerate(cuts) if cut.step > 1]
    known = all(isinstance(b, int) for axis in steps for b in (cuts[axis].start, cuts[axis].end))
    empty = any(cuts[axis].start == cuts[axis].end for axis in steps)
    if steps and steps[-1] > 0 and cuts[-1].is_whole and known and not empty:
        rest = [read_cut(0, c.size, 1, c.size) if c.step > 1 else c for c in cuts]
        index, bounds = indices(rest)
        template, slots = f"{template}{index}", (ATOM,) if index else ()
        settings.update(bounds)
        for axis in steps:
            numbers = f"{{start{axis}}}, {{end{axis}}}, {{step{axis}}}"
            template = f"ops.gather({template}, Tensor(list(range({numbers}))), {axis})"
            cut = cuts[axis]
            names = {"start": cut.start, "end": cut.end, "step": cut.step}
            settings.update({f"{name}{axis}": number for name, number in names.items()})
        return Expression(template, (op[0],), settings, slots=slots)
    if steps:
        settings["begin"] = tuple(cut.start for cut in cuts)
        settings["end"] = tuple(end_of(op, cut) for cut in cuts)
        settings["strides"] = tuple(cut.step for cut in cuts)
        template = f"ops.strided_slice({template}, {{begin}}, {{end}}, {{strides}})"
        return Expression(template, (op[0],), settings)
    index, bounds = indices(cuts)
    settings.update(bounds)
    return Expression(f"{template}{index}", (op[0],), settings, slots=(ATOM,))


def end_of(op: Op, cut: Cut) -> Size:
    """Return where a cut ends; beyond any axis for the end of one whose size depends on data."""
    told = op.known is None or isinstance(cut.end, int) or op.known.tells(cut.end)
    return FAR if cut.end == cut.size and not told else cut.end


def indices(cuts: list[Cut]) -> tuple[str, dict[str, Literal]]:
    """Return `[:, {start}:{end}]`, and the bounds; nothing if everything is taken."""
    settings: dict[str, Literal] = {}
    last = max((axis for axis, cut in enumerate(cuts) if not cut.is_whole), default=-1)
    several = sum(not cut.is_whole for cut in cuts) > 1
    parts: list[str] = []
    for axis, cut in enumerate(cuts[: last + 1]):
        suffix = f"_{axis}" if several else ""
        part = ":"
        if cut.start != 0:
            settings[f"start{suffix}"] = cut.written[0]
            part = f"{{start{suffix}}}:"
        if cut.end != cut.size:
            settings[f"end{suffix}"] = cut.written[1]
            part += f"{{end{suffix}}}"
        parts.append(part)
    return (f"[{', '.join(parts)}]" if parts else ""), settings


@emits("Pad")
def pad(op: Op) -> Code:
    """Pad-24 with constant pads; ONNX writes all starts, then all ends.

    ops.pad counts from the last axis, as torch does, and leaves out axes that are not padded. A
    negative pad is a slice: in MindSpore 2.10 its gradient is wrong in PYNATIVE.
    """
    if not op.has_sizes(1) or not op.is_constant_or_absent(3):
        return computed_pad(op)
    shape, pads = op.dims(0), op.sizes(1)
    rank = len(shape)
    axes = tuple(axis_of(a, rank) for a in op.integers(3)) if op.has(3) else tuple(range(rank))
    starts: list[Size] = [0] * rank
    ends: list[Size] = [0] * rank
    for i, axis in enumerate(axes):
        starts[axis], ends[axis] = pads[i], pads[len(axes) + i]
    cuts = [
        read_cut(
            -before if is_negative(before) else 0, after if is_negative(after) else size, 1, size
        )
        for before, after, size in zip(starts, ends, shape, strict=True)
    ]
    index, settings = indices(cuts)
    template = f"{{0}}{index}"
    sides = [
        (0 if is_negative(before) else before, 0 if is_negative(after) else after)
        for before, after in zip(starts, ends, strict=True)
    ]
    if all(side == (0, 0) for side in sides):
        return Expression(template, (op[0],), settings, slots=(ATOM,))
    mode = op.attr("mode", "constant")
    count = padded_axes(sides, constant=mode == "constant")
    settings["padding"] = tuple(side for axis in reversed(sides[rank - count :]) for side in axis)
    value = op.number(2) if op.has(2) else 0
    operands: tuple[ir.Value, ...] = (op[0],)
    if mode != "constant" and rank == 2 and op.known is not None:
        # of a matrix of open size GRAPH mode of MindSpore 2.10 loses the rank here
        template = f'ops.pad({template}.unsqueeze(0), {{padding}}, mode="{PAD_MODES[mode]}")[0]'
    elif mode != "constant":
        template = f'ops.pad({template}, {{padding}}, mode="{PAD_MODES[mode]}")'
    elif value is None:
        template = f"ops.pad({template}, {{padding}}, value={{1}})"
        operands = (op[0], op[2])
    elif value == 0:
        template = f"ops.pad({template}, {{padding}})"
    else:
        template = f"ops.pad({template}, {{padding}}, value={{value}})"
        settings["value"] = value
    slots = (ATOM,) if index or "unsqueeze" in template else ()
    return Expression(template, operands, settings, slots=slots)


def computed_pad(op: Op) -> Code:
    """Return a Pad by pads that are computed, in the order of ops.pad; other modes are lowered."""
    draft, rank = Draft(op), op.rank(0)
    if op.attr("mode", "constant") != "constant" or op.has(3):
        raise CannotEmit("Pad along computed axes, or by computed pads of elements that repeat")
    source = draft.operand(0)
    order = tuple(axis + end for axis in reversed(range(rank)) for end in (0, rank))
    pads = f"{draft.operand(1, ATOM)}[Tensor({draft.setting('order', order)})]"
    if not op.has(2):
        return draft.expression(f"ops.pad({source}, {pads})")
    number = op.number(2)
    value = draft.operand(2) if number is None else draft.setting("value", number)
    return draft.expression(f"ops.pad({source}, {pads}, value={value})")


def is_negative(pad: Size) -> bool:
    """Tell whether a pad takes elements away; one that is an expression never does."""
    return isinstance(pad, int) and pad < 0


def padded_axes(sides: list[tuple[Size, Size]], *, constant: bool) -> int:
    """Return of how many axes, counted from the last, ops.pad is told the pads.

    Where it repeats elements MindSpore 2.10 wants all axes but one or two.
    """
    rank = len(sides)
    count = rank - next(axis for axis, side in enumerate(sides) if side != (0, 0))
    return count if constant else max(count, rank - 2)


@emits("SliceScatter", domain=DOMAIN)
def slice_scatter(op: Op) -> Code:
    """An assignment to a part of a tensor, by a function of the module."""
    draft = Draft(op)
    axes: tuple[int, ...] = op.attr("axes", ())
    index = ["slice(None)"] * (max(axes) + 1)
    starts: tuple[int, ...] = op.attr("starts", ())
    ends: tuple[int, ...] = op.attr("ends", ())
    for axis, start, end in zip(axes, starts, ends, strict=True):
        first = draft.setting(f"start_{axis}", start or None)
        last = draft.setting(f"end_{axis}", None if end >= FAR else end)
        index[axis] = f"slice({first}, {last})"
    source = draft.operand(0)
    number = op.number(1) if op.is_constant(1) else None
    value = draft.operand(1) if number is None else draft.setting("value", number)
    places = ", ".join(index) + ("," if len(index) == 1 else "")
    return draft.expression(
        f"slice_scatter({source}, ({places}), {value})", helpers=("slice_scatter",)
    )
