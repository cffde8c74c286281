"""Shapes of what operators make that move elements: Reshape, Concat, Slice and their like."""

from collections.abc import Sequence

from ..dim_bounds import extreme, is_less
from ..dims import Dim, Size, cancelled, exact_quotient, product
from ..graph import attribute, axis_of
from .analysis import Dims, Partial, Site, shapes

Shapes = Sequence[Partial | None]


@shapes("Reshape")
def reshape(site: Site) -> Shapes:
    """Reshape-24: 0 copies a dimension, -1 is what is left."""
    before, wanted = site.shape(0), site.integers(1)
    if before is None or wanted is None:
        return [None]
    copies = not attribute(site.node, "allowzero", 0)
    after = [
        before[i] if size == 0 and copies and i < len(before) else size
        for i, size in enumerate(wanted)
    ]
    if -1 in after:
        at = after.index(-1)
        after[at] = rest_of(before, (*after[:at], *after[at + 1 :]))
    else:
        demand_equal(site, before, after)
    return [tuple(after)]


def rest_of(before: Sequence[Size], others: Sequence[Size]) -> Size:
    """Return the size that is left when a shape becomes another one."""
    ours, theirs = without_common(before, others)
    total, known = product(ours), product(theirs)
    if known == 0:
        return 0
    exact = exact_quotient(total, known)
    return total // known if exact is None else exact


def without_common(one: Sequence[Size], other: Sequence[Size]) -> tuple[list[Size], list[Size]]:
    """Return two lists of factors without those that stand in both."""
    left, right = list(one), list(other)
    for size in one:
        if size in right and size != 0:
            left.remove(size)
            right.remove(size)
    return left, right


def demand_equal(site: Site, before: Sequence[Size], after: Sequence[Size]) -> None:
    """Note what a Reshape to a whole shape demands: as many elements after as before.

    Of a window partition, [h, w] to [h // 7, 7, w // 7, 7], each side is demanded for itself.
    """
    ours, theirs = without_common(before, after)
    for size in list(ours):
        if not isinstance(size, Dim):
            continue
        for part in theirs:
            partner = next((p for p in theirs if isinstance(p, int) and part == size // p), None)
            if partner is not None and isinstance(part, Dim):
                site.equal(size, partner * part)
                ours.remove(size)
                theirs.remove(part)
                theirs.remove(partner)
                break
    total, rest = product(ours), product(theirs)
    if total != rest:
        site.equal(*cancelled(total, rest))


@shapes("Transpose")
def transpose(site: Site) -> Shapes:
    """Transpose-24."""
    before = site.shape(0)
    if before is None:
        return [None]
    perm = attribute(site.node, "perm", tuple(reversed(range(len(before)))))
    return [tuple(before[axis] for axis in perm)]


@shapes("Flatten")
def flatten(site: Site) -> Shapes:
    """Flatten-24."""
    before = site.shape(0)
    if before is None:
        return [None]
    axis = axis_of(attribute(site.node, "axis", 1), len(before))
    return [(product(before[:axis]), product(before[axis:]))]


@shapes("Unsqueeze")
def unsqueeze(site: Site) -> Shapes:
    """Unsqueeze-24: axes count in the result."""
    before, axes = site.shape(0), site.numbers(1)
    if before is None or axes is None:
        return [None]
    rank = len(before) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    old = iter(before)
    return [tuple(1 if axis in new else next(old) for axis in range(rank))]


@shapes("Squeeze")
def squeeze(site: Site) -> Shapes:
    """Squeeze-24: without axes all dimensions of 1 go; a dimension that is named must be 1."""
    before = site.shape(0)
    axes = site.numbers(1) if site.has(1) else None
    if before is None or (site.has(1) and axes is None):
        return [None]
    if axes is None:
        return [tuple(d for d in before if d != 1) if all(map(is_number, before)) else None]
    gone = {axis_of(axis, len(before)) for axis in axes}
    for axis in gone:
        site.equal(before[axis], 1)
    return [tuple(size for axis, size in enumerate(before) if axis not in gone)]


def is_number(size: Size) -> bool:
    """Tell whether a size is a mere number."""
    return isinstance(size, int)


@shapes("Concat")
def concat(site: Site) -> Shapes:
    """Concat-13: along the axis sizes add up, all others are the same."""
    parts = [site.shape(i) for i in range(len(site.node.inputs))]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({len(part) for part in known}) != 1:
        return [None]
    axis = axis_of(attribute(site.node, "axis", 0), len(known[0]))
    result = list(known[0])
    for part in known[1:]:
        for i, size in enumerate(part):
            result[i] = result[i] + size if i == axis else site.equal(result[i], size)
    return [tuple(result)]


@shapes("Split")
def split(site: Site) -> Shapes:
    """Split-18: parts of given sizes, or of one size, the last of them smaller."""
    before, count = site.shape(0), len(site.node.outputs)
    if before is None:
        return [None] * count
    axis = axis_of(attribute(site.node, "axis", 0), len(before))
    parts: Sequence[Size | None] | None = site.integers(1) if site.has(1) else None
    if site.has(1) and parts is None:
        parts = [None] * count
    if parts is None:
        chunk = -1 * (-1 * before[axis] // count)
        parts = [*[chunk] * (count - 1), before[axis] - (count - 1) * chunk]
    return [(*before[:axis], part, *before[axis + 1 :]) for part in parts]


@shapes("Slice")
def slice_(site: Site) -> Shapes:
    """Slice-13: bounds beyond the tensor are brought to its ends."""
    before, starts, ends = site.shape(0), site.integers(1), site.integers(2)
    if before is None:
        return [None]
    lengths = [len(found) for found in (starts, ends) if found is not None]
    if not lengths:
        return [(None,) * len(before)]
    count = lengths[0]
    axes = site.numbers(3) if site.has(3) else tuple(range(count))
    steps = site.numbers(4) if site.has(4) else (1,) * count
    if axes is None:
        return [(None,) * len(before)]
    after: list[Size | None] = list(before)
    for i, axis in enumerate(axes):
        where = axis_of(axis, len(before))
        if starts is None or ends is None or steps is None:
            after[where] = None
        else:
            after[where] = sliced(before[where], starts[i], ends[i], steps[i])
    return [tuple(after)]


def sliced(size: Size, start: Size, end: Size, step: int) -> Size | None:
    """Return how many elements a slice takes; None where its bounds cannot be compared."""
    low, high = (bound(b, size, step) for b in (start, end))
    if low is None or high is None:
        return None
    length = high - low if step > 0 else low - high
    if is_less(length, 0):
        return 0
    count = -1 * (-1 * length // abs(step))
    return count if is_less(0, length) else extreme("max", [count, 0])


def bound(place: Size, size: Size, step: int) -> Size | None:
    """Return a slice's bound, counted from the front and within the tensor."""
    if isinstance(place, int) and abs(place) >= 2**31 - 1:  # as far as it goes
        ends = (size, 0) if step > 0 else (size - 1, -1)
        return ends[0] if place > 0 else ends[1]
    if is_less(place, 0, or_equal=False):
        place = place + size
        return place if is_less(0, place) else (extreme("max", [place, 0]) if step > 0 else None)
    if is_less(0, place) is None:
        return None
    top = size if step > 0 else size - 1
    if is_less(place, top):
        return place
    return top if is_less(top, place) else (extreme("min", [place, top]) if step > 0 else None)


@shapes("Gather")
def gather(site: Site) -> Shapes:
    """Gather-13: the indices' shape in the place of the axis."""
    data, indices = site.shape(0), site.shape(1)
    if data is None or indices is None:
        return [None]
    axis = axis_of(attribute(site.node, "axis", 0), len(data))
    return [(*data[:axis], *indices, *data[axis + 1 :])]


@shapes("GatherElements")
def gather_elements(site: Site) -> Shapes:
    """GatherElements-13: as many elements as indices."""
    return [site.shape(1)]


@shapes("GatherND")
def gather_nd(site: Site) -> Shapes:
    """GatherND-13: what the last dimension of the indices leaves of the data."""
    data, indices = site.shape(0), site.shape(1)
    if data is None or indices is None or not isinstance(indices[-1], int):
        return [None]
    batch = attribute(site.node, "batch_dims", 0)
    return [(*indices[:-1], *data[batch + indices[-1] :])]


@shapes("Expand")
def expand(site: Site) -> Shapes:
    """Expand-13: the input's own dimensions may be the larger ones."""
    before, wanted = site.shape(0), site.integers(1)
    if before is None or wanted is None:
        return [None]
    return [broadcast(site, [before, wanted])]


def broadcast(site: Site, operands: Sequence[Dims]) -> Dims:
    """Return the shape that shapes are broadcast to; sizes that meet must be equal, or 1."""
    rank = max(map(len, operands))
    result: list[Size] = []
    for axis in range(-rank, 0):
        size: Size = 1
        for operand in operands:
            other = operand[axis] if len(operand) >= -axis else 1
            if other == 1 or size == 1:
                size = other if size == 1 else size
            else:
                size = site.equal(size, other)
        result.append(size)
    return tuple(result)


@shapes("Tile")
def tile(site: Site) -> Shapes:
    """Tile-13."""
    before, repeats = site.shape(0), site.integers(1)
    if before is None or repeats is None:
        return [None]
    return [tuple(size * times for size, times in zip(before, repeats, strict=True))]


@shapes("Pad")
def pad(site: Site) -> Shapes:
    """Pad-24: all starts, then all ends."""
    before, pads = site.shape(0), site.integers(1)
    axes = site.numbers(3) if site.has(3) else tuple(range(len(before or ())))
    if before is None or axes is None:
        return [None]
    after: list[Size | None] = list(before)
    for i, axis in enumerate(axes):
        where = axis_of(axis, len(before))
        after[where] = before[where] + pads[i] + pads[len(axes) + i] if pads else None
    return [tuple(after)]


@shapes("Range")
def range_(site: Site) -> Shapes:
    """Range-11: as many steps as fit before the limit."""
    bounds = [site.integers(i) for i in range(3)]
    if any(found is None or len(found) != 1 for found in bounds):
        return [(None,)]
    start, limit, step = (found[0] for found in bounds if found)
    if not isinstance(step, int) or step == 0:
        return [(None,)]
    length = limit - start if step > 0 else start - limit
    count = -1 * (-1 * length // abs(step))
    return [(count if is_less(0, count) else extreme("max", [count, 0]),)]


@shapes("ConstantOfShape")
def constant_of_shape(site: Site) -> Shapes:
    """ConstantOfShape-24."""
    return [site.integers(0)]


@shapes("Shape")
def shape(site: Site) -> Shapes:
    """Shape-24."""
    before = site.shape(0)
    if before is None:
        return [None]
    window = slice(attribute(site.node, "start", 0), attribute(site.node, "end", None))
    return [(len(before[window]),)]


@shapes("DepthToSpace")
def depth_to_space(site: Site) -> Shapes:
    """DepthToSpace-13."""
    before, block = site.shape(0), attribute(site.node, "blocksize", 1)
    if before is None:
        return [None]
    batch, channels, height, width = before
    return [(batch, channels // (block * block), height * block, width * block)]


@shapes("SpaceToDepth")
def space_to_depth(site: Site) -> Shapes:
    """SpaceToDepth-13."""
    before, block = site.shape(0), attribute(site.node, "blocksize", 1)
    if before is None:
        return [None]
    batch, channels, height, width = before
    return [(batch, channels * (block * block), height // block, width // block)]
