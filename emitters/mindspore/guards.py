"""What a network demands of the sizes of its inputs, checked when it is called."""

from collections.abc import Sequence

import onnx_ir as ir

from ...compiler.ir.dim_text import formula
from ...compiler.ir.dims import Dim, Extreme, Size, add, complexity, multiply
from ...compiler.ir.sizes.analysis import Demand, Sizes, resolve
from .cells import Cell, Guard
from .host import Reader


def guards(inputs: Sequence[ir.Value], known: Sizes) -> list[Guard]:
    """Return the demands that can be told of the inputs' shapes, in the order of the graph.

    Without them a size that does not fit would end in an error of MindSpore's, far from its cause.
    Behind them of two equal sizes the shorter one is written (`known.same`).
    """
    reader = Reader(Cell(""), inputs, known)
    _, left = resolve(known.demands)
    found: list[Guard] = []
    for demand in left:
        size, relation, other = read_demand(demand)
        told, bound = reader.told(size), reader.told(other)
        if told is not None and bound is not None:
            found.append(Guard(told, relation, bound))
            shorter, longer = sorted((demand.one, demand.other), key=complexity)
            if complexity(shorter) < complexity(longer):
                known.same.setdefault(longer, shorter)
    return list(dict.fromkeys(found))


def read_demand(demand: Demand) -> tuple[Size, str, Size]:
    """Return a demand as a person says it: at most 64, a multiple of 7, or equal.

    `length == min(64, length)` says at most 64, `height == 7 * (height // 7)` a multiple of 7.
    """
    for one, other in ((demand.one, demand.other), (demand.other, demand.one)):
        if isinstance(one, int) or isinstance(other, int):
            continue
        match one.terms:
            case (((Extreme("min", sizes),), 1),) if other in sizes:
                bounds = [size for size in sizes if size != other]
                if len(bounds) == 1:
                    return other, "at most", bounds[0]
            case _:
                pass
        rest = add(one, multiply(other, -1))
        match formula(rest) if isinstance(rest, Dim) and not rest.symbol else None:
            case ("%", (Dim() as dividend, int(divisor))):
                positive = dividend if dividend.terms[0][1] > 0 else multiply(dividend, -1)
                return positive, "a multiple of", divisor
            case _:
                pass
    return demand.one, "", demand.other
