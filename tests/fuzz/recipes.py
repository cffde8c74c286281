"""How operators that move, pick, compare or reduce elements are added to a graph."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from builder import COMMON, FLOATS, OPSET, SIGNED, TYPES, UNSIGNED, Builder, Value
from onnx import defs, helper

Recipe = Callable[[Builder, str], None]
MOVES: dict[str, Recipe] = {}
WIDE = ("float32", "float64", "float16", "int64", "int32")
NUMBERS = (*WIDE, "int8", "uint8")


def moves(*names: str) -> Callable[[Recipe], Recipe]:
    """Register a recipe."""

    def register(recipe: Recipe) -> Recipe:
        MOVES.update(dict.fromkeys(names, recipe))
        return recipe

    return register


def axes_of(b: Builder, x: Value) -> list[int]:
    """Draw different axes, from the front or the back."""
    chosen = [axis for axis in range(x.rank) if b.flag()] or [b.number(0, x.rank - 1)]
    return [axis - x.rank if b.flag() else axis for axis in chosen]


REDUCTIONS = [name for name in (s.name for s in defs.get_all_schemas()) if name[:6] == "Reduce"]


@moves(*REDUCTIONS)
def reduction(b: Builder, name: str) -> None:
    x = b.pick(range(1, 6), ("float32", "float64", "int64", "int32"))
    if name == "ReduceLogSum":
        x = (b.add("Abs", [x]) or [x])[0]
    axes = b.constant(axes_of(b, x)) if b.number(0, 3) else None
    empty = {"noop_with_empty_axes": 1} if axes is None and b.flag() else {}
    b.add(name, [x, axes], keepdims=b.flag(), **empty)


@moves("ArgMax", "ArgMin")
def extremum(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), NUMBERS)
    b.add(name, [x], axis=b.axis(x), keepdims=b.flag(), select_last_index=b.flag())


@moves("TopK")
def top(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), ("float32", "float64", "int64", "int32"))
    axis = b.axis(x)
    count = b.constant([b.number(1, x.dims[axis])])
    b.add(name, [x, count], 2, axis=axis, largest=b.flag(), sorted=1)


@moves("Transpose")
def transpose(b: Builder, name: str) -> None:
    x = b.pick(range(1, 6), TYPES)
    order = sorted(range(x.rank), key=lambda _: b.number(0, 9))
    given: dict[str, Any] = {"perm": order} if b.number(0, 3) else {}
    b.add(name, [x], **given)


@moves("Reshape")
def reshape(b: Builder, name: str) -> None:
    x = b.pick(range(1, 6), TYPES)
    cuts = sorted({0, x.rank, b.number(0, x.rank), b.number(0, x.rank)})
    given = [math.prod(x.dims[i:j]) for i, j in pairwise(cuts)]
    place = b.number(0, len(given) - 1)
    if b.flag():
        given[place] = -1
    elif given[place] == x.dims[place]:
        given[place] = 0
    b.add(name, [x, b.constant(given)])


@moves("Squeeze")
def squeeze(b: Builder, name: str) -> None:
    ones = [v for v in b.values if 1 in v.shape and not v.is_open()]
    x = b.one_of(ones) if ones else b.new((1, 2, 1, 3))
    axes = [i - b.flag() * x.rank for i, n in enumerate(x.dims) if n == 1 and b.flag()]
    b.add(name, [x, b.constant(axes) if axes else None])


@moves("Unsqueeze")
def unsqueeze(b: Builder, name: str) -> None:
    x = b.pick(range(4), TYPES)
    count = b.number(1, 2)
    places = [axis for axis in range(x.rank + count) if b.flag()][:count]
    b.add(name, [x, b.constant(places or [-1])])


@moves("Slice")
def slice_(b: Builder, name: str) -> None:
    x = b.pick(range(1, 6), TYPES)
    cuts = []
    for axis in axes_of(b, x):
        start, end = b.number(-5, 4), b.one_of((-2, -1, 1, 2, 3, 2**62, -(2**62)))
        step = b.one_of((1, 1, 2, -1, -2))
        if range(x.dims[axis])[start:end:step]:
            cuts.append((start, end, axis, step))
    if cuts:
        b.add(name, [x, *(b.constant(numbers) for numbers in zip(*cuts, strict=True))])


@moves("Concat")
def concat(b: Builder, name: str) -> None:
    x = b.pick(range(1, 6), TYPES)
    axis = b.axis(x)
    parts = [x]
    for _ in range(b.number(0, 2)):
        fit = [v for v in b.values if v.dtype == x.dtype and v.rank == x.rank and not v.is_open()
               and all(m == n for i, (m, n) in enumerate(zip(v.dims, x.dims, strict=True))
                       if i != axis % x.rank)]  # fmt: skip
        shape = [b.number(1, 3) if i == axis % x.rank else n for i, n in enumerate(x.dims)]
        parts.append(b.one_of(fit) if fit and b.flag() else b.new(shape, x.dtype))
    b.add(name, parts, axis=axis)


@moves("Split")
def split(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), TYPES)
    axis = b.axis(x)
    size = x.dims[axis]
    if b.flag():
        count = b.number(1, size)
        if -(-size // count) * (count - 1) < size:  # else the last one would be empty
            b.add(name, [x], count, axis=axis, num_outputs=count)
        return
    cuts = sorted({0, size, b.number(0, size)})
    b.add(name, [x, b.constant([j - i for i, j in pairwise(cuts)])], len(cuts) - 1, axis=axis)


@moves("Pad")
def pad(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), NUMBERS)
    mode = b.one_of(("constant", "constant", "reflect", "edge", "wrap"))
    most = [2 if mode in ("constant", "edge") else n - 1 for n in x.dims]
    pads = [b.number(0, min(most[i % x.rank], 2)) for i in range(2 * x.rank)]
    value = b.constant(np.array(b.number(0, 2), x.dtype)) if mode == "constant" else None
    b.add(name, [x, b.constant(pads), *([value] if value else [])], mode=mode)


@moves("Gather")
def gather(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), TYPES)
    axis = b.axis(x)
    b.add(name, [x, indices(b, b.shape(b.number(0, 2)), x.dims[axis])], axis=axis)


def indices(b: Builder, shape: tuple[int, ...], size: int, *, signed: bool = True) -> Value:
    """Draw a constant of places along an axis."""
    low = -size if signed else 0
    numbers = [b.number(low, size - 1) for _ in range(math.prod(shape))]
    return b.constant(np.array(numbers, b.one_of(("int64", "int64", "int32"))).reshape(shape))


@moves("GatherElements")
def gather_elements(b: Builder, name: str) -> None:
    x = b.pick(range(1, 4), TYPES)
    axis = b.axis(x)
    shape = tuple(b.number(1, 4) if i == axis % x.rank else b.number(1, n)
                  for i, n in enumerate(x.dims))  # fmt: skip
    b.add(name, [x, indices(b, shape, x.dims[axis])], axis=axis)


@moves("GatherND")
def gather_nd(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), TYPES)
    batch = b.number(0, 1) if x.rank > 1 else 0
    depth = b.number(1, x.rank - batch)
    rows = b.number(1, 3)
    places = places_of(b, x.dims[batch : batch + depth], x.dims[:batch], rows)
    b.add(name, [x, places], batch_dims=batch)


def places_of(b: Builder, sizes: tuple[int, ...], before: tuple[int, ...], rows: int) -> Value:
    """Draw a constant of index tuples."""
    tuples = [[b.number(-n, n - 1) for n in sizes] for _ in range(rows * math.prod(before))]
    return b.constant(np.array(tuples, np.int64).reshape(*before, rows, len(sizes)))


@moves("ScatterElements")
def scatter_elements(b: Builder, name: str) -> None:
    x = b.pick(range(1, 4), ("float32", "float64", "int64", "int32"))
    axis = b.axis(x)
    rows = [*x.dims]
    count = rows[axis] = b.number(1, x.dims[axis])
    reduction = b.one_of(("none", "add", "mul", "max", "min"))
    order = sorted(range(x.dims[axis]), key=lambda _: b.number(0, 9))[:count]
    if reduction != "none" and b.flag():
        order = [order[0]] * count
    shape = [1] * x.rank
    shape[axis] = count
    places = np.broadcast_to(np.array(order, np.int64).reshape(shape), rows)
    updates = b.new(rows, x.dtype)
    b.add(name, [x, b.constant(places.copy()), updates], axis=axis, reduction=reduction)


@moves("ScatterND")
def scatter_nd(b: Builder, name: str) -> None:
    x = b.pick(range(1, 4), ("float32", "float64", "int64", "int32"))
    depth, rows = b.number(1, x.rank), b.number(1, 3)
    reduction = b.one_of(("none", "add", "mul", "max", "min"))
    if reduction == "none":  # of several at one place any may win
        rows = 1
    places = places_of(b, x.dims[:depth], (), rows)
    updates = b.new((rows, *x.dims[depth:]), x.dtype)
    b.add(name, [x, places, updates], reduction=reduction)


@moves("Expand")
def expand(b: Builder, name: str) -> None:
    x = b.pick(range(4), TYPES)
    shape = [b.number(1, 3) if n == 1 else b.one_of((1, n)) for n in x.dims]
    b.add(name, [x, b.constant([b.number(1, 3) for _ in range(b.flag())] + shape)])


@moves("Tile")
def tile(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), TYPES)
    b.add(name, [x, b.constant([b.number(1, 2) for _ in x.dims])])


@moves("Flatten")
def flatten(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), TYPES)
    b.add(name, [x], axis=b.number(-x.rank, x.rank))


@moves("Shape")
def shape_(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), TYPES)
    b.add(name, [x], **({"start": b.number(-2, 1)} if b.flag() else {}))


@moves("Size")
def size_(b: Builder, name: str) -> None:
    b.add(name, [b.pick(range(5), TYPES)])


@moves("ConstantOfShape")
def constant_of_shape(b: Builder, name: str) -> None:
    dtype = b.one_of(("float32", "int64", "int32", "bool", "float16"))
    x = b.pick(range(1, 4), TYPES)
    sizes = b.add("Shape", [x])
    value = helper.make_tensor("value", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), [1], [1])
    if sizes:
        b.add(name, [b.constant(list(x.dims)) if b.flag() else sizes[0]], value=value)


@moves("EyeLike")
def eye(b: Builder, name: str) -> None:
    b.add(name, [b.pick((2,), WIDE)], k=b.number(-1, 2))


@moves("Range")
def range_(b: Builder, name: str) -> None:
    dtype = b.one_of(("int64", "int32", "float32"))
    first, count, by = b.number(-3, 3), b.number(1, 5), b.one_of((1, 2, -1))
    b.add(name, [b.constant(n, dtype) for n in (first, first + count * by, by)])


@moves("Trilu")
def triangle(b: Builder, name: str) -> None:
    x = b.pick(range(2, 5), NUMBERS)
    b.add(name, [x, b.constant(b.number(-2, 2)) if b.flag() else None], upper=b.flag())


@moves("OneHot")
def one_hot(b: Builder, name: str) -> None:
    depth = b.number(2, 4)
    places = indices(b, b.shape(b.number(1, 2)), depth)
    ends = b.constant([2, 5], b.one_of(("float32", "int64", "int32")))
    b.add(name, [places, b.constant(depth), ends], axis=b.number(-1, places.rank))


@moves("Where")
def where(b: Builder, name: str) -> None:
    x = b.pick(range(5), TYPES)
    shape = [n if b.flag() else 1 for n in x.dims]
    fit = [v for v in b.values if v.dtype == "bool" and not v.is_open()]
    condition = b.one_of(fit) if fit and b.flag() else b.new(shape, "bool")
    b.add(name, [condition, x, b.new(shape[b.number(0, x.rank) :], x.dtype)])


@moves("Compress")
def compress(b: Builder, name: str) -> None:
    x = b.pick(range(1, 4), NUMBERS)
    axis = b.axis(x)
    chosen = [b.flag() for _ in range(x.dims[axis] - 1)]
    b.add(name, [x, b.constant([*chosen, 1], "bool")], axis=axis)


@moves("NonZero")
def non_zero(b: Builder, name: str) -> None:
    b.add(name, [b.pick(range(1, 4), ("float32", "int64", "int32", "bool"))])


@moves("Unique")
def unique(b: Builder, name: str) -> None:
    x = b.pick(range(1, 3), ("float32", "int64"))
    b.add(name, [x], b.one_of((1, 4)), sorted=1, **({"axis": 0} if b.flag() else {}))


@moves("Cast", "CastLike")
def cast(b: Builder, name: str) -> None:
    """Cast what every target holds: small integers from any, real numbers to real ones only."""
    dtype = b.one_of(TYPES)
    signed = (*SIGNED, *FLOATS, "bool")
    fit = FLOATS if dtype in FLOATS and b.flag() else ("bool", *UNSIGNED)
    x = b.pick(range(5), (*fit, *SIGNED) if dtype in signed else fit)
    if name == "CastLike":
        b.add(name, [x, b.new((1,), dtype)])
    else:
        b.add(name, [x], to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


@moves("Clip")
def clip(b: Builder, name: str) -> None:
    x = b.pick(range(5), NUMBERS)
    low, high = (b.constant(n, x.dtype) if b.number(0, 3) else None for n in (1, 3))
    b.add(name, [x, low, high])


@moves("CumSum")
def cumulate(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), ("float32", "float64", "int64", "int32"))
    b.add(name, [x, b.constant(b.axis(x))], exclusive=b.flag(), reverse=b.flag())


@moves("Pow")
def power(b: Builder, name: str) -> None:
    x = b.pick(range(5), WIDE)
    if x.dtype in FLOATS:
        x = (b.add("Abs", [x]) or [x])[0]
        exponent = b.new(x.dims[b.number(0, x.rank) :], x.dtype)
    else:
        exponent = b.constant(b.number(0, 3), x.dtype)
    b.add(name, [x, exponent])


@moves("BitShift")
def shift(b: Builder, name: str) -> None:
    x = b.pick(range(1, 5), UNSIGNED)
    amount = b.constant(np.arange(x.dims[-1]).astype(x.dtype) % 7)
    b.add(name, [x, amount], direction=b.one_of(("LEFT", "RIGHT")))


@moves("ReverseSequence")
def reverse(b: Builder, name: str) -> None:
    x = b.pick(range(2, 5), COMMON)
    batch = b.flag()
    lengths = [b.number(1, x.dims[1 - batch]) for _ in range(x.dims[batch])]
    b.add(name, [x, b.constant(lengths)], batch_axis=batch, time_axis=1 - batch)


@moves("CenterCropPad")
def center(b: Builder, name: str) -> None:
    x = b.pick(range(1, 4), NUMBERS)
    b.add(name, [x, b.constant([b.number(1, 5) for _ in x.dims])])


@moves("DepthToSpace", "SpaceToDepth")
def blocks(b: Builder, name: str) -> None:
    dtype = b.one_of(("float32", "float32", "float64"))
    x = b.new((b.number(1, 2), 4 * b.number(1, 2), 2 * b.number(1, 2), 2), dtype)
    mode = {"mode": b.one_of(("DCR", "CRD"))} if name == "DepthToSpace" else {}
    b.add(name, [x], blocksize=2, **mode)


@moves("TensorScatter")
def tensor_scatter(b: Builder, name: str) -> None:
    cache, length = b.new((2, 2, 4, 3)), b.number(1, 3)
    starts = b.constant([b.number(0, 4 - length) for _ in range(2)])
    b.add(name, [cache, b.new((2, 2, length, 3)), starts], mode=b.one_of(("linear", "circular")))


assert OPSET == 24, "the recipes are of this version"
