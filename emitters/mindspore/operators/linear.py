"""Matrix products."""

from ..code import PRODUCT, Code, Layer, Literal, WeightSource, binary, call
from ..registry import CannotEmit, Op, emits


@emits("Gemm")
def gemm(op: Op) -> Code:
    """Gemm-13 with constant B and bias: alpha A' B' + beta C."""
    if not op.is_constant(1) or (op.has(2) and not op.is_constant(2)):
        raise CannotEmit("Gemm with a computed matrix is not supported yet")
    if op.attr("alpha", 1.0) != 1 or (op.has(2) and op.attr("beta", 1.0) != 1):
        raise CannotEmit("Gemm with alpha or beta other than 1 is not supported yet")
    if op.attr("transA", 0):
        raise CannotEmit("Gemm with transA is not supported yet")
    # nn.Dense keeps its weight as (out, in), as PyTorch does
    weight = WeightSource(op[1], () if op.attr("transB", 0) else (("transpose", (1, 0)),))
    weights = {"weight": weight}
    out_channels, in_channels = weight.shape
    if op.has(2):
        weights["bias"] = bias_of(op, out_channels)
    arguments: dict[str, Literal] = {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "has_bias": op.has(2),
    }
    return Layer(
        "nn.Dense", arguments, (op[0],), weights, {"has_bias": True}, positional=2, word="fc"
    )


def bias_of(op: Op, out_channels: int) -> WeightSource:
    """Return Gemm's C as a vector of `out_channels` numbers."""
    bias = WeightSource(op[2])
    if bias.shape == (out_channels,):
        return bias
    if bias.shape == (1, out_channels):
        return WeightSource(op[2], (("reshape", (out_channels,)),))
    raise CannotEmit(f"Gemm with a C of shape {list(bias.shape)} is not supported yet")


@emits("MatMul")
def matmul(op: Op) -> Code:
    """MatMul-13, as numpy.matmul."""
    return (
        call("ops.matmul", op[0], op[1])
        if op.is_constant(1)
        else binary("@", PRODUCT, op[0], op[1])
    )
