"""Recurrent layers, as `fuse_recurrent` has made them."""

import onnx_ir as ir

from ....compiler.ir.dialect import DOMAIN
from ....compiler.ir.provenance import scope_of
from ....compiler.ir.recurrent import (
    KINDS,
    MOST_LAYERS,
    Activation,
    activations_of,
    are_usual,
    state_names,
)
from ..code import (
    Argument,
    Code,
    Expression,
    Layer,
    Literal,
    WeightSource,
    literal,
    shortest,
)
from ..dtypes import FLOAT32, dtype_of
from ..registry import CannotEmit, Op, emits

GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where PyTorch's and MindSpore's gates (LSTM: i, f, g, o; GRU: r, z, n) stand in ONNX."""

DEFAULTS: dict[str, Argument] = {
    "num_layers": 1,
    "has_bias": True,
    "batch_first": False,
    "bidirectional": False,
    "dtype": FLOAT32,
    "nonlinearity": "tanh",
}
EVERY = [f"{kind}{layers}" for kind in KINDS for layers in range(1, MOST_LAYERS + 1)]
TORCH = "torch.nn.modules.rnn."


@emits(*EVERY, domain=DOMAIN)
def recurrent(op: Op) -> Code:
    """LSTM-22, GRU-22 and RNN-22, of several layers and both directions, as PyTorch has them.

    ops.tanh of MindSpore 2.10 on CPU, which nn.GRU and nn.RNN call, is wrong by up to 1e-4, at 5.
    """
    kind = op.node.op_type.rstrip("0123456789")
    layers = int(op.node.op_type.removeprefix(kind))
    place = 2 + len(state_names(kind, layers))
    weights = parameters(op, kind, place, layers)
    arguments: dict[str, Argument] = {
        "input_size": weights["weight_ih_l0"].shape[1],
        "hidden_size": op.attr("hidden_size", 1),
        "num_layers": layers,
        "has_bias": "bias_ih_l0" in weights,
        "batch_first": op.attr("order", (0, 1, 2)) == (1, 0, 2),
        "bidirectional": op.attr("direction", "forward") == "bidirectional",
        "dtype": dtype_of(weights["weight_ih_l0"]),
    }
    if kind == "RNN":
        arguments["nonlinearity"] = op.attr("activations", ("Tanh",))[0].lower()
    given, operands = call(op, state_names(kind, layers))
    outputs, returned, unpacked = results(op, kind)
    return Layer(
        f"nn.{kind}",
        arguments,
        operands,
        weights,
        DEFAULTS,
        positional=2,
        word=kind.lower(),
        given=given,
        outputs=outputs,
        returned=returned,
        unpacked=unpacked,
    )


def parameters(op: Op, kind: str, place: int, layers: int) -> dict[str, WeightSource]:
    """Return the weights under PyTorch's names, their gates in PyTorch's order."""
    both = op.attr("direction", "forward") == "bidirectional"
    prefix, found = key_prefix(op, place), dict[str, WeightSource]()
    for layer in range(layers):
        w, r, b = (place + 3 * layer + i for i in range(3))
        for direction, suffix in enumerate(("", "_reverse") if both else ("",)):
            order = (("blocks", GATES[kind]),) if len(GATES[kind]) > 1 else ()
            for name, index in (("weight_ih", w), ("weight_hh", r)):
                steps = (("part", (direction,)), *order)
                found[f"{name}_l{layer}{suffix}"] = WeightSource(op[index], steps)
            if not op.has(b):
                continue
            directions, size = WeightSource(op[b]).shape
            halves = ("reshape", (directions, 2, size // 2))
            for half, name in enumerate(("bias_ih", "bias_hh")):
                steps = (halves, ("part", (direction, half)), *order)
                found[f"{name}_l{layer}{suffix}"] = WeightSource(op[b], steps)
    return {
        name: WeightSource(w.value, w.steps, f"{prefix}{name}" if prefix is not None else "")
        for name, w in found.items()
    }


def key_prefix(op: Op, place: int) -> str | None:
    """Return what stands before a weight's name in PyTorch's state_dict, if the file tells it.

    It does in the class of the module, and in the weights' names, which torch's legacy exporter
    made up.
    """
    scope = scope_of(op.node)
    legacy = (op[place].name or "").startswith("onnx::")
    if not scope or not (scope[-1].class_name.startswith(TORCH) or legacy):
        return None
    return f"{scope[-1].path}." if scope[-1].path else ""


def call(op: Op, states: list[str]) -> tuple[str, tuple[ir.Value, ...]]:
    """Return how the layer is called, and with what: x, the states, the lengths."""
    operands = [op[0]]
    there = [2 + i for i in range(len(states)) if op.has(2 + i)]
    words: list[str] = []
    for i in range(len(states)) if there else ():
        word = f"{{{len(operands)}}}"
        words.append(word if op.has(2 + i) else f"ops.zeros_like({word})")
        operands.append(op[2 + i] if op.has(2 + i) else op[there[0]])
    given = ["{0}"]
    if words:
        given.append(f"({', '.join(words)})" if len(words) > 1 else words[0])
    if op.has(1):
        given += [] if words else ["None"]
        given.append(f"{{{len(operands)}}}")
        operands.append(op[1])
    return (", ".join(given) if len(given) > 1 else ""), tuple(operands)


def results(op: Op, kind: str) -> tuple[tuple[int, ...], str, str]:
    """Return which outputs are made, and how they are taken out of `y, h` or `y, (h, c)`."""
    read = [i for i, out in enumerate(op.node.outputs) if out.uses() or out.is_graph_output()]
    if read in ([0], []):
        return (0,), "[0]", ""
    if read == [1] and KINDS[kind] == 1:
        return (1,), "[1]", ""
    words = [f"{{{read.index(i)}}}" if i in read else "_" for i in range(1 + KINDS[kind])]
    states = ", ".join(words[1:])
    unpacked = f"{words[0]}, ({states})" if KINDS[kind] > 1 else f"{words[0]}, {states}"
    return tuple(read), "", unpacked


@emits("DynamicQuantizeLSTM", domain="com.microsoft")
def dynamic_quantize_lstm(op: Op) -> Code:
    """An LSTM of integer weights, what they multiply quantized by its own range at each step."""
    if op.has(7) or op.attr("clip", None) is not None or op.attr("input_forget", 0):
        raise CannotEmit("DynamicQuantizeLSTM with peepholes or clipping")
    order = (0, 1, 2, 8, 10)
    operands = [op[index] for index in order]
    given = [f"{{{i}}}" for i in range(len(order))]
    for index, word in ((3, "b"), (4, "lengths"), (5, "h"), (6, "c"), (9, "w_zero_point"),
                        (11, "r_zero_point")):  # fmt: skip
        if op.has(index) and not (index in (9, 11) and not op.constant(index).any()):
            given.append(f"{word}={{{len(operands)}}}")
            operands.append(op[index])
    if op.attr("direction", "forward") == "reverse":
        given.append("backwards=True")
    first, count, taken = slice_of_results(op, "LSTM")
    template = f"run_quantized_lstm({', '.join(given)}){taken}"
    return Expression(
        template,
        tuple(operands),
        outputs=count,
        first=first,
        closes=True,
        helpers=("run_quantized_lstm",),
    )


HELPERS = {"LSTM": "run_lstm", "GRU": "run_gru", "RNN": "run_rnn"}
FUNCTIONS = {
    "Affine": "lambda x: {alpha} * x + {beta}",
    "Elu": "lambda x: ops.relu(x) + {alpha} * ops.expm1(ops.minimum(x, 0.0))",
    "HardSigmoid": "lambda x: ops.clamp({alpha} * x + {beta}, 0.0, 1.0)",
    "LeakyRelu": "lambda x: ops.leaky_relu(x, {alpha})",
    "Relu": "ops.relu",
    "ScaledTanh": "lambda x: {alpha} * ops.tanh({beta} * x)",
    "Sigmoid": "ops.sigmoid",
    "Softplus": "ops.softplus",
    "Softsign": "ops.softsign",
    "Tanh": "ops.tanh",
    "ThresholdedRelu": "lambda x: ops.threshold(x, {alpha}, 0.0)",
}
"""The activations of ONNX's recurrent layers."""


@emits("LSTM", "GRU", "RNN")
def options_of_onnx(op: Op) -> Code:
    """LSTM-22, GRU-22, RNN-22 with peepholes, clipping, other activations, computed weights.

    A function over the steps, which is written into the module: MindSpore has no such layer.
    """
    kind = op.node.op_type
    if op.attr("direction", "forward") != "forward" or op.attr("layout", 0):
        raise CannotEmit("the shape of the input is not known")
    operands, given = list[ir.Value](), list[str]()
    words = {3: "b", 4: "lengths", 5: "h", 6: "c", 7: "peepholes"}
    for index in range(len(op.node.inputs)):
        if op.has(index):
            place = f"{{{len(operands)}}}"
            given.append(place if index < 3 else f"{words[index]}={place}")
            operands.append(op[index])
    activations = activations_of(op.node)
    if not are_usual(op.node, activations) or activations[0].name == "Relu":
        functions = [function_of(activation) for activation in activations]
        several = f"activations=({', '.join(functions)})"
        given.append(several if len(functions) > 1 else f"activation={functions[0]}")
    settings: dict[str, Literal] = {}
    clip: float | None = op.attr("clip", None)
    if clip is not None:
        settings["clip"] = shortest(clip)
        given.append("clip={clip}")
    for name, word in (("input_forget", "coupled"), ("linear_before_reset", "linear_before_reset")):
        if op.attr(name, 0):
            given.append(f"{word}=True")
    first, count, taken = slice_of_results(op, kind)
    return Expression(
        f"{HELPERS[kind]}({', '.join(given)}){taken}",
        tuple(operands),
        settings,
        outputs=count,
        first=first,
        closes=True,
        helpers=(HELPERS[kind],),
    )


def slice_of_results(op: Op, kind: str) -> tuple[int, int, str]:
    """Return the first output that is read, how many from it on, and how they are taken."""
    read = [i for i, out in enumerate(op.node.outputs) if out.uses() or out.is_graph_output()]
    first, end, every = min(read, default=0), max(read, default=0) + 1, 1 + KINDS[kind]
    if end - first == 1:
        return first, 1, f"[{first}]"
    bounds = f"{first or ''}:{end if end < every else ''}"
    return first, end - first, f"[{bounds}]" if bounds != ":" else ""


def function_of(activation: Activation) -> str:
    """Return an activation as a function of Python."""
    function = FUNCTIONS.get(activation.name)
    if function is None:
        raise CannotEmit(f"a recurrent layer with activation {activation.name}")
    numbers = {"alpha": activation.alpha, "beta": activation.beta}
    for name, number in numbers.items():
        if number is not None:
            function = function.replace(f"{{{name}}}", literal(shortest(number)))
    return function
