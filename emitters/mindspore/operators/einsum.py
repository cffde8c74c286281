"""Einstein sums that are transposes, sums or matrix products."""

from collections.abc import Sequence

from ..code import PRODUCT, Code, Expression, Literal
from ..registry import CannotEmit, Op, emits


@emits("Einsum")
def einsum(op: Op) -> Code:
    """Einsum-12 of one operand, or of two as one matrix product.

    ops.einsum of MindSpore 2.10 has no kernel on CPU.
    """
    terms, result = read(op.attr("equation", ""))
    if len(terms) != len(op.inputs) or any(len(set(term)) < len(term) for term in terms):
        raise CannotEmit("Einsum along a diagonal")
    if len(terms) == 1:
        return one_operand(op, terms[0], result)
    if len(terms) == 2:
        return product(op, terms[0], terms[1], result)
    raise CannotEmit("Einsum of more than two operands")


def read(equation: str) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result.

    Without an arrow the result has those that occur once, in alphabetical order.
    """
    left, arrow, result = equation.replace(" ", "").partition("->")
    if "." in equation:
        raise CannotEmit("Einsum with an ellipsis")
    if not arrow:
        result = "".join(sorted(x for x in set(left) - {","} if left.count(x) == 1))
    return left.split(","), result


def one_operand(op: Op, term: str, result: str) -> Code:
    """Return a sum over the axes that the result does not have, and a transpose."""
    summed = tuple(i for i, letter in enumerate(term) if letter not in result)
    kept = [letter for letter in term if letter in result]
    settings: dict[str, Literal] = {"axis": summed} if summed else {}
    template = "ops.sum({0}, {axis})" if summed else "{0}"
    return Expression(transposed(template, kept, result, settings, "perm"), (op[0],), settings)


def product(op: Op, left: str, right: str, result: str) -> Code:
    """Return a product of matrices: the axes of both, then rows and columns."""
    batch = [letter for letter in result if letter in left and letter in right]
    rows = [letter for letter in left if letter not in right]
    columns = [letter for letter in right if letter not in left]
    inner = [letter for letter in left if letter in right and letter not in result]
    if not len(rows) == len(columns) == len(inner) == 1 or set(rows + columns) - set(result):
        raise CannotEmit("Einsum that is no single matrix product")
    settings: dict[str, Literal] = {}
    first = transposed("{0}", left, [*batch, *rows, *inner], settings, "left")
    second = transposed("{1}", right, [*batch, *inner, *columns], settings, "right")
    slots = (PRODUCT if first == "{0}" else 0, PRODUCT + 1 if second == "{1}" else 0)
    found = f"{first} @ {second}"
    template = transposed(found, [*batch, *rows, *columns], result, settings, "perm")
    if template != found:
        return Expression(template, (op[0], op[1]), settings, slots=slots)
    return Expression(template, (op[0], op[1]), settings, PRODUCT, slots)


def transposed(
    template: str,
    axes: Sequence[str],
    wanted: Sequence[str],
    settings: dict[str, Literal],
    name: str,
) -> str:
    """Return a template with its axes in the wanted order; puts the permutation into settings."""
    perm = tuple(axes.index(letter) for letter in wanted)
    if perm == tuple(range(len(axes))):
        return template
    settings[name] = perm
    return f"ops.transpose({template}, {{{name}}})"
