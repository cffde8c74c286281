"""Activation functions."""

import math
from collections.abc import Mapping

import onnx_ir as ir

from ....compiler.ir.dialect import DOMAIN
from ....compiler.ir.graph import axis_of
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
    call,
)
from ..code import shortest as short
from ..dtypes import mindspore_dtype
from ..registry import CannotEmit, Op, emits

# operator: function, layer
PLAIN = {
    "HardSwish": ("ops.hardswish", "nn.HSwish"),
    "Relu": ("ops.relu", "nn.ReLU"),
    "Sigmoid": ("ops.sigmoid", "nn.Sigmoid"),
    "Softsign": ("ops.softsign", "nn.Softsign"),
    "Tanh": ("ops.tanh", "nn.Tanh"),
}


def activation(
    op: Op,
    function: str,
    layer: str,
    given: Mapping[str, Argument] | None = None,
    **settings: Literal,
) -> Expression:
    """Return an activation as a call, and as a layer for a SequentialCell.

    Args:
        op: The operator; its first input is the only operand.
        function: As in `ops.relu`.
        layer: As in `nn.ReLU`.
        given: Arguments of the layer; those of the function if they are the same.
        settings: Arguments of the function.
    """
    plain = call(function, op[0], closes=True, **settings)
    arguments = settings if given is None else given
    cell = Layer(layer, arguments, (op[0],), word=op.node.op_type.lower())
    return Expression(plain.template, plain.operands, plain.settings, cell=cell, closes=True)


def formula(
    op: Op,
    template: str,
    times: int,
    *,
    binds: int = ATOM,
    slots: tuple[int, ...] = (),
    **settings: Literal,
) -> Expression:
    """Return an activation that MindSpore has no function for.

    Args:
        op: The operator; its first input is the only operand.
        template: Source that reads the operand as `{0}`, `{1}` …
        times: How often it does; more than once, and the operand gets a name.
        binds: How tightly the formula binds.
        slots: How tightly the operand must bind in each place.
        settings: Constants of the formula.
    """
    return Expression(template, (op[0],) * times, settings, binds, slots, closes=True)


@emits(*PLAIN)
def plain_activation(op: Op) -> Code:
    """Relu-14, Sigmoid-13, Tanh-13, HardSwish-22, Softsign-22.

    MindSpore 2.10 on CPU: ops.relu makes 0 of NaN; ops.tanh is wrong by up to 1e-4, at 5.
    """
    return activation(op, *PLAIN[op.node.op_type])


@emits("LeakyRelu")
def leaky_relu(op: Op) -> Code:
    """LeakyRelu-16."""
    return activation(op, "ops.leaky_relu", "nn.LeakyReLU", alpha=short(op.attr("alpha", 0.01)))


@emits("Elu")
def elu(op: Op) -> Code:
    """Elu-22: x, and alpha (e^x - 1) below 0.

    ops.elu of MindSpore 2.10 refuses any alpha but 1.
    """
    alpha = short(op.attr("alpha", 1.0))
    if alpha == 1:
        return activation(op, "ops.elu", "nn.ELU")
    template = "ops.relu({0}) + {alpha} * ops.expm1(ops.minimum(0.0, {1}))"
    return formula(op, template, 2, binds=SUM, alpha=alpha)


@emits("Selu")
def selu(op: Op) -> Code:
    """Selu-22: gamma times Elu.

    ops.selu of MindSpore 2.10 has a wrong gradient: -0.12 at -1 instead of 0.65.
    """
    alpha, gamma = op.attr("alpha", 1.6732632), op.attr("gamma", 1.050701)
    template = "{gamma} * ops.relu({0}) + {alpha} * ops.expm1(ops.minimum(0.0, {1}))"
    return formula(op, template, 2, binds=SUM, gamma=short(gamma), alpha=short(alpha * gamma))


@emits("Mish")
def mish(op: Op) -> Code:
    """Mish-22: x tanh(softplus(x)), which is x from 20 on.

    ops.mish of MindSpore 2.10 is NaN from 45 on, on CPU; by ops.tanh it would be wrong by 1e-4.
    """
    template = "ops.mish(ops.minimum(20.0, {0})) + ops.relu({1} - 20.0)"
    return formula(op, template, 2, binds=SUM, slots=(0, SUM))


@emits("Celu")
def celu(op: Op) -> Code:
    """Celu-12."""
    return activation(op, "ops.celu", "nn.CELU", alpha=short(op.attr("alpha", 1.0)))


@emits("Swish")
def swish(op: Op) -> Code:
    """Swish-24: x sigmoid(alpha x)."""
    alpha = short(op.attr("alpha", 1.0))
    if alpha == 1:
        return activation(op, "ops.silu", "nn.SiLU")
    template = "{0} * ops.sigmoid({alpha} * {1})"
    return formula(op, template, 2, binds=PRODUCT, slots=(PRODUCT, PRODUCT + 1), alpha=alpha)


@emits("Gelu")
def gelu(op: Op) -> Code:
    """Gelu-20."""
    if op.attr("approximate", "none") == "tanh":
        given = {"approximate": True}
        return activation(op, "ops.gelu", "nn.GELU", given, approximate="tanh")
    return activation(op, "ops.gelu", "nn.GELU", {"approximate": False})


@emits("Softplus")
def softplus(op: Op) -> Code:
    """Softplus-22; above 20 it is x, within float32."""
    return call("ops.softplus", op[0], closes=True)


@emits("HardSigmoid")
def hard_sigmoid(op: Op) -> Code:
    """HardSigmoid-22: max(0, min(1, alpha x + beta)).

    ops.hardsigmoid is that of PyTorch: alpha 1/6; ONNX's default is 0.2.
    """
    alpha, beta = short(op.attr("alpha", 0.2)), short(op.attr("beta", 0.5))
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return activation(op, "ops.hardsigmoid", "nn.HSigmoid")
    template = "ops.clamp({0} * {alpha} + {beta}, 0.0, 1.0)"
    return formula(op, template, 1, slots=(PRODUCT,), alpha=alpha, beta=beta)


@emits("ThresholdedRelu")
def thresholded_relu(op: Op) -> Code:
    """ThresholdedRelu-22: x above alpha, else 0."""
    alpha = short(op.attr("alpha", 1.0))
    given = {"threshold": alpha, "value": 0.0}
    return activation(op, "ops.threshold", "nn.Threshold", given, thr=alpha, value=0.0)


@emits("Shrink")
def shrink(op: Op) -> Code:
    """Shrink-9: x + bias below -lambd, x - bias above lambd, else 0."""
    bias, lambd = short(op.attr("bias", 0.0)), short(op.attr("lambd", 0.5))
    if not op.dtype.is_floating_point():
        return shrink_integers(op, bias, lambd)
    narrow = op.dtype != ir.DataType.DOUBLE and lambd >= 0  # the functions have no kernel for it
    if bias == 0 and narrow:
        return activation(op, "ops.hardshrink", "nn.HShrink", lambd=lambd)
    if bias == lambd and narrow:
        return activation(op, "ops.softshrink", "nn.SoftShrink", lambd=lambd)
    if lambd < 0:
        template = (
            "ops.where({0} < {low}, {1} + {bias}, ops.where({2} > {high}, {3} - {bias}, 0.0))"
        )
        slots = (SUM, SUM, SUM, SUM)
        return formula(op, template, 4, slots=slots, low=-lambd, high=lambd, bias=bias)
    template = "ops.where(ops.abs({0}) > {lambd}, {1} - {bias} * ops.sign({2}), 0.0)"
    return formula(op, template, 3, slots=(0, SUM), lambd=lambd, bias=bias)


def shrink_integers(op: Op, bias: float, lambd: float) -> Expression:
    """Shrink of integers of 64 bits, which are more than a real number holds, in integers."""
    if op.dtype != ir.DataType.INT64 or not bias.is_integer():
        raise CannotEmit("Shrink of 64-bit integers without sign, or by a fraction")
    template = "ops.where({0} < {low}, {1} + {bias}, ops.where({2} > {high}, {3} - {bias}, 0))"
    bounds = {"low": math.ceil(-lambd), "high": math.floor(lambd), "bias": int(bias)}
    return formula(op, template, 4, slots=(SUM, SUM, SUM, SUM), **bounds)


@emits("PRelu")
def prelu(op: Op) -> Code:
    """PRelu-16: x, and slope x below 0; a slope a channel is a layer."""
    slope = channel_slope(op)
    if slope is None:
        return Expression(
            "ops.where({0} < 0, {1} * {2}, {3})",
            (op[0], op[0], op[1], op[0]),
            slots=(SUM, PRODUCT, PRODUCT + 1),
            closes=True,
        )
    arguments: dict[str, Argument] = {"channel": slope.shape[0]}
    return Layer("nn.PReLU", arguments, (op[0],), {"w": slope}, positional=1, word="prelu")


def channel_slope(op: Op) -> WeightSource | None:
    """Return a constant slope of PRelu as a vector over axis 1, or None if it is no such."""
    if not op.is_constant(1) or op.rank(0) < 2 or op.dtype != ir.DataType.FLOAT:
        return None
    slope = WeightSource(op[1])
    channels = op.dims(0)[1]
    if not isinstance(channels, int):
        return None
    shape = (1,) * (op.rank(0) - len(slope.shape)) + slope.shape
    if shape == (1, channels, *shape[2:]) and set(shape[2:]) <= {1}:
        return slope if slope.shape == (channels,) else reshaped(slope, channels)
    return reshaped(slope, 1) if set(shape) <= {1} else None


def reshaped(slope: WeightSource, size: int) -> WeightSource:
    """Return a slope as a vector."""
    return WeightSource(slope.value, (("reshape", (size,)),))


SOFTMAX = {
    "Softmax": ("ops.softmax", "nn.Softmax"),
    "LogSoftmax": ("ops.log_softmax", "nn.LogSoftmax"),
}


@emits(*SOFTMAX)
def softmax(op: Op) -> Code:
    """Softmax-13, LogSoftmax-13."""
    return activation(op, *SOFTMAX[op.node.op_type], axis=op.attr("axis", -1))


@emits("Hardmax")
def hardmax(op: Op) -> Code:
    """Hardmax-13: 1 at the first of the largest elements, else 0."""
    axis = axis_of(op.attr("axis", -1), op.rank(0))
    cast = "" if op.dtype == ir.DataType.FLOAT else f".astype({mindspore_dtype(op.dtype)})"
    return Expression(
        f"ops.one_hot(ops.argmax({{0}}, {{axis}}), {{depth}}, 1.0, 0.0, {{axis}}){cast}",
        (op[0],),
        {"axis": axis, "depth": op.dims(0)[axis]},
        closes=True,
    )


@emits("Glu", domain=DOMAIN)
def glu(op: Op) -> Code:
    """The first half along an axis times the sigmoid of the second."""
    return activation(op, "ops.glu", "nn.GLU", axis=op.attr("axis", -1))
