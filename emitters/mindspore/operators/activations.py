"""Activation functions."""

from ..code import PRODUCT, Code, Expression, Layer, Literal, call, shortest
from ..registry import Op, emits

# operator: function, layer
PLAIN = {
    "Relu": ("ops.relu", "nn.ReLU"),
    "Sigmoid": ("ops.sigmoid", "nn.Sigmoid"),
    "Tanh": ("ops.tanh", "nn.Tanh"),
    "HardSwish": ("ops.hardswish", "nn.HSwish"),
    "Mish": ("ops.mish", "nn.Mish"),
    "Softsign": ("ops.softsign", "nn.Softsign"),
}


def activation(function: str, layer: str, op: Op, **settings: Literal) -> Expression:
    """Return an activation as a call, and as a layer for a SequentialCell."""
    x = op[0]
    plain = call(function, x, closes=True, **settings)
    cell = Layer(layer, settings, (x,), word=op.node.op_type.lower())
    return Expression(plain.template, plain.operands, plain.settings, cell=cell, closes=True)


@emits(*PLAIN)
def plain_activation(op: Op) -> Code:
    """Relu-14, Sigmoid-13, Tanh-13, HardSwish-22, Mish-22, Softsign-22."""
    function, layer = PLAIN[op.node.op_type]
    return activation(function, layer, op)


@emits("LeakyRelu")
def leaky_relu(op: Op) -> Code:
    """LeakyRelu-16."""
    return activation("ops.leaky_relu", "nn.LeakyReLU", op, alpha=shortest(op.attr("alpha", 0.01)))


@emits("Softmax")
def softmax(op: Op) -> Code:
    """Softmax-13."""
    return activation("ops.softmax", "nn.Softmax", op, axis=op.attr("axis", -1))


@emits("LogSoftmax")
def log_softmax(op: Op) -> Code:
    """LogSoftmax-13."""
    return activation("ops.log_softmax", "nn.LogSoftmax", op, axis=op.attr("axis", -1))


@emits("Gelu")
def gelu(op: Op) -> Code:
    """Gelu-20."""
    return activation("ops.gelu", "nn.GELU", op, approximate=op.attr("approximate", "none"))


@emits("HardSigmoid")
def hard_sigmoid(op: Op) -> Code:
    """HardSigmoid-22: max(0, min(1, alpha x + beta)).

    ops.hardsigmoid fixes alpha to 1/6; ONNX's default is 0.2.
    """
    alpha, beta = shortest(op.attr("alpha", 0.2)), shortest(op.attr("beta", 0.5))
    return Expression(
        "ops.clamp({0} * {alpha} + {beta}, 0.0, 1.0)",
        (op[0],),
        {"alpha": alpha, "beta": beta},
        slots=(PRODUCT,),
        closes=True,
    )
