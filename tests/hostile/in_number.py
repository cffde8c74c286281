"""Models that are deep, long, or claim more than they hold."""

from collections.abc import Callable
from typing import Any

import onnx
from onnx import TensorProto, helper
from parts import Random, on_model


@on_model
def nest_branches(rng: Random, model: onnx.ModelProto) -> None:
    """Put an If into an If into an If …, as deep as protobuf parses, or deeper."""
    inner = branch(helper.make_node("Constant", [], ["z"], value_float=1.0))
    ended = inner
    for _ in range(rng.choice((3, 20, 24, 31, 33))):
        other = inner if rng.random() < 0.02 else ended
        inner = branch(
            helper.make_node("If", ["truth"], ["z"], then_branch=inner, else_branch=other)
        )
    truth = rng.choice((True, False))
    model.graph.initializer.append(helper.make_tensor("truth", TensorProto.BOOL, [], [truth]))
    model.graph.node.extend(inner.node)
    model.graph.output.add().CopyFrom(helper.make_tensor_value_info("z", 1, None))


def branch(node: onnx.NodeProto) -> onnx.GraphProto:
    """Return a graph of one node that makes a value z."""
    return helper.make_graph([node], "b", [], [helper.make_tensor_value_info("z", 1, [])])


@on_model
def chain_nodes(rng: Random, model: onnx.ModelProto) -> None:
    """Put a long chain of nodes behind an output: nothing may recurse along it."""
    last = model.graph.output[0].name
    operator = rng.choice(("Relu", "Identity", "Neg", "Abs"))
    for i in range(rng.choice((50, 300, 1500))):
        model.graph.node.add(op_type=operator, input=[last], output=[f"chain_{i}"])
        last = f"chain_{i}"
    model.graph.output.add().CopyFrom(model.graph.output[0])
    model.graph.output[-1].name = last


@on_model
def double_values(rng: Random, model: onnx.ModelProto) -> None:
    """Double a value again and again: by Concat, or by functions that call one another twice."""
    last = model.graph.output[0].name
    times = rng.choice((10, 30, 60))
    if rng.random() < 0.5:
        for i in range(times):
            inputs = [last, last]
            model.graph.node.add(op_type="Concat", input=inputs, output=[f"doubled_{i}"])
            model.graph.node[-1].attribute.append(helper.make_attribute("axis", 0))
            last = f"doubled_{i}"
    else:
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("bomb", 1)]
        for i in range(times):
            called = ("Relu", "") if i == 0 else (f"f{i - 1}", "bomb")
            body = [
                helper.make_node(called[0], ["a"], ["b"], domain=called[1]),
                helper.make_node(called[0], ["b"], ["c"], domain=called[1]),
            ]
            model.functions.append(
                helper.make_function("bomb", f"f{i}", ["a"], ["c"], body, opsets)
            )
        model.opset_import.add(domain="bomb", version=1)
        model.graph.node.add(
            op_type=f"f{times - 1}", domain="bomb", input=[last], output=["doubled"]
        )
        last = "doubled"
    model.graph.output.add().CopyFrom(helper.make_tensor_value_info(last, 1, None))


class Claims:
    """Adds nodes that make something huge of a few constants.

    Args:
        model: Is changed.
        sizes: What they claim.
    """

    def __init__(self, model: onnx.ModelProto, sizes: list[int]) -> None:
        self.graph, self.sizes = model.graph, sizes
        self.first = sizes[0]

    def held(self, values: list[int] | list[float], *, scalar: bool = False) -> str:
        """Add a constant."""
        name = f"claim_{len(self.graph.node)}_{len(self.graph.initializer)}"
        kind = TensorProto.FLOAT if isinstance(values[0], float) else TensorProto.INT64
        shape = [] if scalar else [len(values)]
        self.graph.initializer.append(helper.make_tensor(name, kind, shape, values))
        return name

    def scalar(self, value: float) -> str:
        return self.held([value], scalar=True)

    def ones(self) -> str:
        return self.made("Reshape", self.held([1.0]), self.held([1] * len(self.sizes)))

    def filled(self) -> str:
        return self.made("ConstantOfShape", self.held(self.sizes))

    def made(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Add a node."""
        name = f"claimed_{len(self.graph.node)}"
        self.graph.node.append(helper.make_node(op_type, inputs, [name], **attributes))
        return name


CLAIMS: tuple[Callable[[Claims], str], ...] = (
    lambda c: c.filled(),
    lambda c: c.made("Expand", c.held([1.0]), c.held(c.sizes)),
    lambda c: c.made("Expand", c.held([1.0, 2.0]), c.held([*c.sizes, 2])),
    lambda c: c.made("Tile", c.ones(), c.held(c.sizes)),
    lambda c: c.made("Range", c.scalar(0), c.scalar(c.first), c.scalar(1)),
    lambda c: c.made("Pad", c.ones(), c.held([0] * len(c.sizes) + c.sizes)),
    lambda c: c.made("Resize", c.ones(), "", "", c.held(c.sizes)),
    lambda c: c.made("OneHot", c.held([0, 1]), c.scalar(c.first), c.held([0.0, 1.0])),
    lambda c: c.made("EyeLike", c.made("ConstantOfShape", c.held((c.sizes * 2)[:2]))),
    lambda c: c.made("RandomNormal", shape=c.sizes),
    lambda c: c.made("HannWindow", c.scalar(c.first)),
    lambda c: c.made("Split", c.filled(), num_outputs=1),
    lambda c: c.made("SequenceAt", c.made("SplitToSequence", c.filled()), c.scalar(0)),
    lambda c: c.made("Trilu", c.filled()),
    lambda c: c.made("Dropout", c.filled()),
    lambda c: c.made("GatherElements", c.held([1.0]), c.made("ConstantOfShape", c.held([c.first]))),
    lambda c: c.made("CenterCropPad", c.ones(), c.held(c.sizes)),
    lambda c: c.made("DFT", c.made("Unsqueeze", c.ones(), c.held([-1])), c.scalar(c.first)),
)
"""What claims sizes."""

USES: tuple[Callable[[Claims, str], str], ...] = (
    lambda c, x: c.made("Relu", x),
    lambda c, x: c.made("Cast", x, to=11),
    lambda c, x: c.made("ReduceSum", x, keepdims=0),
    lambda c, x: c.made("ReduceMax", x),
    lambda c, x: c.made("Add", x, x),
    lambda c, x: c.made("MatMul", x, x),
    lambda c, x: c.made("Concat", x, x, axis=0),
    lambda c, x: c.made("Transpose", x),
    lambda c, x: c.made("Shape", x),
    lambda c, x: c.made("NonZero", x),
    lambda c, x: c.made("CumSum", x, c.scalar(0)),
    lambda c, x: c.made("TopK", x, c.held([1])),
    lambda c, x: c.made("Unique", x),
    lambda c, x: c.made("ArgMax", x),
    lambda c, x: c.made("Gather", x, c.held([0])),
    lambda c, x: c.made("Slice", x, c.held([0]), c.held([1])),
    lambda c, x: c.made("Einsum", x, x, equation="...,...->..."),
    lambda c, x: c.made("Reshape", x, c.held([-1])),
    lambda c, x: c.made("QuantizeLinear", x, c.scalar(0.5)),
    lambda c, x: c.made("Reshape", c.held([1.0]), c.made("Cast", x, to=7)),
    lambda c, x: c.made("Gather", c.held([1.0]), c.made("Cast", x, to=7)),
    lambda c, x: c.made("ScatterElements", x, c.made("Cast", x, to=7), x, reduction="mul"),
)
"""What is made of it."""


@on_model
def claim_by_operator(rng: Random, model: onnx.ModelProto) -> None:
    sizes = (2**10, 2**20, 2**24, 2**31, 2**40, 2**62)
    claims = Claims(model, rng.choices(sizes, k=rng.choice((1, 2, 3))))
    last = rng.choice(CLAIMS)(claims)
    for _ in range(rng.choice((0, 1, 1, 2))):
        last = rng.choice(USES)(claims, last)
    model.graph.output.add().CopyFrom(helper.make_tensor_value_info(last, 1, None))


@on_model
def turn_for_ever(rng: Random, model: onnx.ModelProto) -> None:
    """Add a loop of a great many turns."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Add", ["state", "state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, []),
        ],
    )
    turns = rng.choice((0, -1, 100, 10**6, 2**62))
    model.graph.initializer.append(helper.make_tensor("turns", TensorProto.INT64, [], [turns]))
    model.graph.initializer.append(helper.make_tensor("goes", TensorProto.BOOL, [], [True]))
    model.graph.initializer.append(helper.make_tensor("state0", TensorProto.FLOAT, [], [1.0]))
    model.graph.node.append(
        helper.make_node("Loop", ["turns", "goes", "state0"], ["stopped"], body=body)
    )
    model.graph.output.add().CopyFrom(helper.make_tensor_value_info("stopped", 1, []))
