"""Parts of a model, values to put in their place, and the registers of what is done to it."""

import random
import string
from collections.abc import Callable

import onnx
from onnx import TensorProto
from seeds import Seed

Random = random.Random
OnBytes = Callable[[Random, bytes, list[Seed]], bytes]
OnModel = Callable[[Random, onnx.ModelProto], None]

BYTES: list[OnBytes] = []
MODELS: list[OnModel] = []

NUMBERS = (
    *(0, 1, -1, 2, -2, 3, 7, 255, 256, 65535, 2**20, 2**31 - 1, 2**31, -(2**31), 2**32, 2**40),
    *(2**53 + 1, 2**62, 2**63 - 1, -(2**63)),
)
FLOATS = (0.0, -0.0, 1e-45, 3e38, -3e38, float("inf"), float("-inf"), float("nan"), 0.5, -1.0)
NAMES = (
    *("", "x", "y", "a", "self", "class", "None", "__import__", "__init__", "../../etc/passwd"),
    *("'", '"', '"""', "\\", "\n", "\r\n", "{0}", "{x}", "%s", "a b", "\u202ecba", "\u0430", "é"),
    *(
        "\0",
        "a.b.c",
        "0",
        "1.weight",
        "/x/y",
        "ms",
        "ops",
        "construct",
        "x" * 100_000,
        "\U0001f600",
    ),
    *("ﬁ", "__class__", "lambda", "*", "#", "eval('1')", "unk__0", "0*n", "n+1", "floor(n/0)"),
)


def on_bytes(function: OnBytes) -> OnBytes:
    """Register a change of a file's bytes."""
    BYTES.append(function)
    return function


def on_model(function: OnModel) -> OnModel:
    """Register a change of a model."""
    MODELS.append(function)
    return function


def graphs(model: onnx.ModelProto) -> list[onnx.GraphProto]:
    """Return the main graph and all that nodes hold."""
    found = [model.graph]
    for graph in found:
        for node in graph.node:
            found += [a.g for a in node.attribute if a.HasField("g")]
            found += [g for a in node.attribute for g in a.graphs]
    return found


def nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    found = [node for graph in graphs(model) for node in graph.node]
    return found + [node for function in model.functions for node in function.node]


def tensors(model: onnx.ModelProto) -> list[TensorProto]:
    found = [tensor for graph in graphs(model) for tensor in graph.initializer]
    return found + [a.t for node in nodes(model) for a in node.attribute if a.HasField("t")]


def infos(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    return [i for g in graphs(model) for i in (*g.input, *g.output, *g.value_info)]


def number(rng: Random) -> int:
    return rng.choice(NUMBERS) if rng.random() < 0.8 else rng.randrange(-(2**63), 2**63)


def text(rng: Random) -> str:
    if rng.random() < 0.8:
        return rng.choice(NAMES)
    return "".join(rng.choices(string.printable, k=rng.choice((1, 5, 200))))


def pair(rng: Random, items: list[onnx.NodeProto]) -> tuple[onnx.NodeProto, onnx.NodeProto]:
    return rng.choice(items), rng.choice(items)
