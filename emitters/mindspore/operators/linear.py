"""Matrix products."""

from ....compiler.ir.dialect import DOMAIN
from ....compiler.ir.dims import Size
from ....compiler.ir.provenance import is_made_up
from ..code import (
    ATOM,
    PRODUCT,
    SUM,
    Argument,
    Code,
    Expression,
    Layer,
    Literal,
    WeightSource,
    binary,
    shortest,
)
from ..dtypes import FLOAT32, dtype_of
from ..registry import CannotEmit, Op, emits

DEFAULTS: dict[str, Argument] = {"has_bias": True, "dtype": FLOAT32}


def dense(op: Op, weight: WeightSource, bias: WeightSource | None) -> Layer:
    """Return x W' + b as a layer; its weight is kept as (out, in), as PyTorch's."""
    out_channels, in_channels = weight.shape
    arguments: dict[str, Argument] = {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "has_bias": bias is not None,
        "dtype": dtype_of(weight),
    }
    weights = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    return Layer("nn.Dense", arguments, (op[0],), weights, DEFAULTS, positional=2, word="fc")


@emits("Gemm")
def gemm(op: Op) -> Code:
    """Gemm-13: alpha A' B' + beta C."""
    beta = op.attr("beta", 1.0) if op.has(2) else 0.0
    plain = op.attr("alpha", 1.0) == 1 and beta in (0, 1) and not op.attr("transA", 0)
    if plain and op.is_constant(1) and op.dtype.is_floating_point():
        steps = () if op.attr("transB", 0) else (("transpose", (1, 0)),)
        weight = WeightSource(op[1], steps)
        bias = bias_of(op, weight.shape[0]) if beta else None
        if 0 not in weight.shape and (bias is not None or not beta):
            return dense(op, weight, bias)
    return product_and_sum(op, beta)


def bias_of(op: Op, out_channels: int) -> WeightSource | None:
    """Return Gemm's C as a vector of `out_channels` numbers, or None if it is not that."""
    if not op.is_constant(2):
        return None
    bias = WeightSource(op[2])
    if bias.shape == (out_channels,):
        return bias
    if bias.shape == (1, out_channels):
        return WeightSource(op[2], (("reshape", (out_channels,)),))
    return None


def product_and_sum(op: Op, beta: float) -> Code:
    """Return Gemm as an expression."""
    alpha, left, right = op.attr("alpha", 1.0), op.attr("transA", 0), op.attr("transB", 0)
    check_inner(op.dims(0)[0 if left else 1])
    template = f"{'{0}.T' if left else '{0}'} @ {'{1}.T' if right else '{1}'}"
    slots: tuple[int, ...] = (ATOM if left else PRODUCT, ATOM if right else PRODUCT + 1)
    operands, settings = (op[0], op[1]), dict[str, Literal]()
    if alpha != 1:
        template += " * {alpha}"
        settings["alpha"] = shortest(alpha)
    if not beta:
        return Expression(template, operands, settings, PRODUCT, slots)
    if beta != 1:
        settings["beta"] = shortest(beta)
    template += " + {2}" if beta == 1 else " + {beta} * {2}"
    slots = (*slots, PRODUCT if beta == 1 else PRODUCT + 1)
    return Expression(template, (*operands, op[2]), settings, SUM, slots)


def check_inner(size: Size) -> None:
    """Refuse a product over an empty axis; MindSpore 2.10 returns what lay in memory (PYNATIVE)."""
    if size == 0:
        raise CannotEmit("a matrix product over an empty axis")


@emits("MatMul")
def matmul(op: Op) -> Code:
    """MatMul-13, as numpy.matmul; by a constant matrix it is a layer."""
    check_inner(op.dims(0)[-1])
    if is_weight(op) and op.rank(1) == 2 and op.rank(0) > 1 and op.dtype.is_floating_point():
        weight = WeightSource(op[1], (("transpose", (1, 0)),))
        if 0 not in weight.shape:
            return dense(op, weight, None)
    return binary("@", PRODUCT, op[0], op[1])


def is_weight(op: Op) -> bool:
    """Tell whether the second operand is a constant of the model, not one that a pass made up."""
    return op.is_constant(1) and not is_made_up(op[1])


@emits("Dense", "Linear", domain=DOMAIN)
def linear(op: Op) -> Code:
    """The product with a constant matrix, as numpy.matmul, and a bias: x W + b, or x W' + b."""
    steps = (("transpose", (1, 0)),) if op.node.op_type == "Linear" else ()
    return dense(op, WeightSource(op[1], steps), WeightSource(op[2]))
