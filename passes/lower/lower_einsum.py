"""Einstein sums that are neither transposes, sums nor single matrix products."""

import math
import string
from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ...compiler.ir.graph import attribute, rank_of, shape_of
from ..base import graph_pass
from ..ramps import ramp
from ..rewrite import Names, Site, set_attribute, set_inputs

INT64 = ir.DataType.INT64


@graph_pass(after=("infer_shapes",))
def lower_einsum(graph: ir.Graph) -> int:
    """Write an Einsum without ellipses or repeated letters, if need be as products and a sum.

    ops.einsum of MindSpore 2.10 has no kernel on CPU; the emitter writes transposes, sums and
    single matrix products.
    """
    lowered = 0
    names = Names(graph)
    for node in list(graph):
        if node.domain or node.op_type != "Einsum":
            continue
        if any(rank_of(value) is None for value in node.inputs):
            continue
        lowered += _lower(Site(node, names))
    return lowered


def _lower(site: Site) -> bool:
    node = site.node
    equation: str = attribute(node, "equation", "")
    terms, result = _spell_out(equation.replace(" ", ""), [rank_of(v) or 0 for v in node.inputs])
    values: list[ir.Value | None] = list(node.inputs)
    for i, term in enumerate(terms):
        while len(set(term)) < len(term):
            values[i], term = _diagonal(site, values[i], term)
        terms[i] = term
    if len(terms) == 1 or (len(terms) == 2 and _is_product(terms[0], terms[1], result)):
        written = f"{','.join(terms)}->{result}"
        changed = written != equation or values != list(node.inputs)
        set_attribute(node, "equation", written)
        set_inputs(node, *values)
        return changed
    known = all(shape_of(value) is not None for value in values)
    if known and len(terms) == 2 and _is_product(terms[0], terms[1], result, joined=True):
        site.replace(_join(site, values, terms, result))
    else:
        site.replace(_multiply(site, values, terms, result))
    return True


def _spell_out(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, an ellipsis as letters of its own."""
    left, arrow, result = equation.partition("->")
    terms = left.split(",")
    longest = max(
        rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)
    )
    spare = [letter for letter in string.ascii_letters if letter not in left][:longest]
    if not arrow:
        letters = left.replace(",", "").replace(".", "")
        result = "..." if "..." in left else ""
        result += "".join(sorted(x for x in set(letters) if letters.count(x) == 1))
    spelled: list[str] = []
    for term, rank in zip(terms, ranks, strict=True):
        count = rank - len(term.replace("...", ""))
        spelled.append(term.replace("...", "".join(spare[longest - count :])))
    return spelled, result.replace("...", "".join(spare))


def _diagonal(site: Site, value: ir.Value | None, term: str) -> tuple[ir.Value, str]:
    """Return an operand with the first two axes of a repeated letter as one, and its letters."""
    assert value is not None, "Einsum has no absent operands"
    letter = next(x for x in term if term.count(x) > 1)
    first = term.index(letter)
    second = term.index(letter, first + 1)
    others = [i for i in range(len(term)) if i not in (first, second)]
    sizes = list(value.shape or ())
    kept, size = [sizes[i] for i in others], sizes[first]
    turned = site.add("Transpose", [value], perm=[*others, first, second], dtype=value.dtype)
    numbers = [size if isinstance(size, int) else 0 for size in kept]  # 0 keeps an open size
    flat = site.ints([*numbers, size * size if isinstance(size, int) else -1], "flat")
    line = site.add("Reshape", [turned, flat], dtype=value.dtype)
    if isinstance(size, int):
        site.afford(size)
        places = site.constant(np.arange(size) * (size + 1), "diagonal", INT64)
    else:
        count = site.size(value, first)
        step = site.add("Add", [count, site.constant(1, "one", INT64)], dtype=INT64)
        places = site.add("Mul", [ramp(site, count), step], dtype=INT64)
    result = site.add("Gather", [line, places], axis=len(others), dtype=value.dtype)
    result.shape = ir.Shape([*kept, size])
    return result, "".join(term[i] for i in others) + letter


def _is_product(left: str, right: str, result: str, *, joined: bool = False) -> bool:
    """Tell whether it is a product of matrices: it has one row, one column and one inner axis.

    Args:
        left: Letters of the first operand.
        right: Letters of the second operand.
        result: Letters of the result.
        joined: Whether several axes may stand for a row, a column or the inner axis.
    """
    kinds = _kinds(left, right, result)
    lengths = [len(kind) for kind in kinds[1:]]
    fits = all(lengths) if joined else lengths == [1, 1, 1]
    return fits and set(kinds[1] + kinds[3]) <= set(result)


def _kinds(left: str, right: str, result: str) -> tuple[str, str, str, str]:
    """Return the letters of a batch, of rows, of the inner axes and of columns."""
    both = [x for x in left if x in right]
    batch, inner = ("".join(x for x in both if (x in result) is kept) for kept in (True, False))
    rows, columns = ("".join(x for x in a if x not in b) for a, b in ((left, right), (right, left)))
    return batch, rows, inner, columns


def _join(
    site: Site, values: Sequence[ir.Value | None], terms: Sequence[str], result: str
) -> ir.Value:
    """Return a product of matrices of which several axes are a row, a column or the inner axis."""
    batch, rows, inner, columns = _kinds(terms[0], terms[1], result)
    dtype = site.node.outputs[0].dtype or ir.DataType.FLOAT
    sizes = {
        letter: size
        for term, value in zip(terms, values, strict=True)
        for letter, size in zip(term, shape_of(value) or (), strict=True)
    }

    def turned(value: ir.Value | None, old: str, new: str) -> ir.Value | None:
        if old == new:
            return value
        perm = [old.index(letter) for letter in new]
        return site.add("Transpose", [value], perm=perm, dtype=dtype)

    def shaped(value: ir.Value | None, *groups: str) -> ir.Value | None:
        shape = [math.prod(sizes[letter] for letter in group) for group in groups]
        return site.add("Reshape", [value, site.ints(shape, "shape")], dtype=dtype)

    first = turned(values[0], terms[0], batch + rows + inner)
    if len(rows + inner) > 2:
        first = shaped(first, *batch, rows, inner)
    second = turned(values[1], terms[1], batch + inner + columns)
    if len(inner + columns) > 2:
        second = shaped(second, *batch, inner, columns)
    product: ir.Value | None = site.add("MatMul", [first, second], dtype=dtype)
    if len(rows + columns) > 2:
        product = shaped(product, *batch, *rows, *columns)
    done = turned(product, batch + rows + columns, result)
    assert done is not None, "it was made here"
    return done


def _multiply(
    site: Site, values: Sequence[ir.Value | None], terms: Sequence[str], result: str
) -> ir.Value:
    """Return the sum of the product of all operands, each with an axis for every letter."""
    letters = result + "".join(sorted(set("".join(terms)) - set(result)))
    product: ir.Value | None = None
    dtype = site.node.outputs[0].dtype or ir.DataType.FLOAT
    for value, term in zip(values, terms, strict=True):
        order = [term.index(x) for x in letters if x in term]
        turned = value
        if order != sorted(order):
            turned = site.add("Transpose", [value], perm=order, dtype=dtype)
        missing = [i for i, x in enumerate(letters) if x not in term]
        if missing:
            axes = site.ints(missing, "axes")
            turned = site.add("Unsqueeze", [turned, axes], dtype=dtype)
        product = turned if product is None else site.add("Mul", [product, turned], dtype=dtype)
    assert product is not None, "Einsum has operands"
    if len(values) > 1 and len(letters) == len(result):
        return product
    summed = site.ints(range(len(result), len(letters)), "summed")
    return site.add("ReduceSum", [product, summed], keepdims=0, noop_with_empty_axes=1, dtype=dtype)
