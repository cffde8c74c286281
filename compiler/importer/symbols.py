"""Names for the dimensions that a model leaves open."""

import keyword
import re

import onnx_ir as ir

GENERATED = re.compile(r"s\d+|unk__\d+|d\d+|dim\d*|n\d*|None|dynamic_axes_\d+")
"""Names that exporters make up: they tell nothing."""

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}", re.ASCII)


def name_dimensions(model: ir.Model) -> None:
    """Give every open dimension of the inputs a name that can stand in source.

    Names that say something are kept (`batch`); others, and dimensions without one, are named for
    what they probably are: the first is a batch, the last two of a picture its height and width,
    the second of a sequence its length. What had one name has one; others of one kind bear their
    input's name too.
    """
    taken = {
        name
        for value in model.graph.inputs
        for dim in value.shape or ()
        if (name := _given(dim)) and _is_kept(name)
    }
    names: dict[str, str] = {}
    for value in model.graph.inputs:
        if value.shape is None:
            continue
        dims: list[int | str] = []
        for axis, dim in enumerate(value.shape):
            given = _given(dim)
            if isinstance(dim, int) and dim >= 0:
                dims.append(dim)
            elif given and _is_kept(given):
                dims.append(given)
            elif given in names:
                dims.append(names[given])
            else:
                dims.append(_free(_role(value, axis), value.name or "", taken))
                taken.add(str(dims[-1]))
                if given:
                    names[given] = str(dims[-1])
        value.shape = ir.Shape(dims)


def _given(dim: int | ir.SymbolicDim) -> str:
    return "" if isinstance(dim, int) else dim.value or ""


def _is_kept(name: str) -> bool:
    usable = PLAIN.fullmatch(name) and not keyword.iskeyword(name)
    return bool(usable) and not GENERATED.fullmatch(name)


def _role(value: ir.Value, axis: int) -> str:
    """Return what a dimension probably is."""
    assert value.shape is not None, "asked of a shape that is known"
    rank = len(value.shape)
    if axis == 0:
        return "batch" if rank > 1 else "length"
    if rank in (4, 5) and value.dtype is not None and value.dtype.is_floating_point():
        last = isinstance(value.shape[-1], int) and not isinstance(value.shape[1], int)
        places = {rank - 3: "height", rank - 2: "width"} if last else {}
        places = places or {rank - 2: "height", rank - 1: "width"}
        return places.get(axis, "depth" if rank == 5 else "channels")
    return "length" if axis == 1 else "size"


def _free(wish: str, owner: str, taken: set[str]) -> str:
    """Return a name that is free: `batch`, of another input `attention_mask_batch`."""
    for name in (wish, f"{owner}_{wish}"):
        if name not in taken and _is_kept(name):
            return name
    return next(name for i in range(2, len(taken) + 3) if (name := f"{wish}_{i}") not in taken)
