"""A hypothesis strategy for valid graphs of 1 to 25 nodes, from the table of operators."""

import math

import numpy as np
import onnx
import onnx.defs
from builder import FLOATS, OPSET, TYPES, Builder, Draw
from hypothesis import strategies as st
from layers import LAYERS
from recipes import MOVES

from onnx2ms.compiler.operator_facts import operator_facts

UNDRAWN = {
    "AffineGrid": "its size would be computed, which is known not to convert",
    "Bernoulli": "random: held to its distribution by tests",
    "Constant": "folded before anything else",
    "DeformConv": "onnxruntime has no kernel",
    "If": "its bodies are graphs: tests/models",
    "ImageDecoder": "refused",
    "Loop": "its body is a graph: tests/models",
    "MaxRoiPool": "regions that are drawn at random are mostly empty",
    "MaxUnpool": "its indices come from a MaxPool of the same shape",
    "Multinomial": "random: held to its distribution by tests",
    "NonMaxSuppression": "its result is as long as the boxes say",
    "RandomNormal": "random: held to its distribution by tests",
    "RandomNormalLike": "random: held to its distribution by tests",
    "RandomUniform": "random: held to its distribution by tests",
    "RandomUniformLike": "random: held to its distribution by tests",
    "RoiAlign": "regions that are drawn at random are mostly empty",
    "Scan": "its body is a graph: tests/models",
}
"""Operators of the table that no graph holds, and why."""

FUNCTIONS = (
    *("CastLike", "CenterCropPad", "ConvInteger", "LpNormalization", "Mean", "QLinearConv"),
    *("QLinearMatMul", "SoftmaxCrossEntropyLoss", "Sum", "Unique"),
    "TensorScatter",
)
"""Operators that passes rewrite, so that the table of emitters does not have them."""

INSIDE = {
    **dict.fromkeys(("Acos", "Asin", "Atanh"), "Tanh"),
    **dict.fromkeys(("Acosh", "Log"), "Cosh"),
    "Sqrt": "Abs",
}
"""What brings numbers into the domain of an operator."""

NUMBERS = (0.1, 0.25, 0.5, 1.0, 1.5)
"""From which attributes of one real number are drawn."""


def drawable() -> dict[str, onnx.defs.OpSchema]:
    """Return the schemas of the operators of the table that graphs may hold."""
    names = {facts.name for facts in operator_facts() if "." not in facts.name}
    return {
        name: onnx.defs.get_schema(name, OPSET)
        for name in sorted({*names, *FUNCTIONS} - UNDRAWN.keys())
        if onnx.defs.has(name, OPSET)
    }


SCHEMAS = drawable()


def element_types(schema: onnx.defs.OpSchema, index: int) -> list[str]:
    """Return the element types, of those used here, that an input of a schema may have."""
    variable = schema.inputs[index].type_str
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    texts = allowed.get(variable, [variable])
    names = {"float32": "float", "float64": "double", "float16": "float16"}
    return [t for t in TYPES if f"tensor({names.get(t, t)})" in texts]


def elementwise(b: Builder, name: str) -> None:
    """Add an operator of tensors and single numbers, as its schema has it."""
    schema = SCHEMAS[name]
    x = b.pick(range(6) if schema.max_input > 1 else range(1, 6), element_types(schema, 0))
    if name in INSIDE and b.number(0, 7) and x.dtype in FLOATS:
        x = (b.add(INSIDE[name], [x]) or [x])[0]
    variadic = schema.max_input > 9
    operands = [x]
    for i in range(1, b.number(1, 3) if variadic else schema.min_input):
        same = variadic or schema.inputs[i].type_str == schema.inputs[0].type_str
        types = [x.dtype] if same else element_types(schema, i)
        fit = [v for v in b.values if v.dtype in types and not v.is_open()]
        divides = name in ("Div", "Mod") and "int" in x.dtype
        if divides:
            shape = x.dims[b.number(0, x.rank) :]
            count = math.prod(shape)
            signs = np.where(np.arange(count) % 3, 1, 1 if x.dtype[0] == "u" else -1)
            divisor = (signs * (1 + np.arange(count) % 5)).astype(x.dtype)
            operands.append(b.constant(divisor.reshape(shape)))
        elif fit and b.number(0, 3):
            operands.append(b.one_of(fit))
        else:
            shape = [dim if b.flag() else 1 for dim in x.dims[b.number(0, x.rank) :]]
            operands.append(b.new(shape, x.dtype if same else b.one_of(types)))
    real = onnx.defs.OpSchema.AttrType.FLOAT
    attributes = {
        key: b.one_of(NUMBERS)
        for key, attribute in schema.attributes.items()
        if attribute.type == real and x.dtype in FLOATS and b.flag()
    }
    if name == "Mod":
        attributes = {"fmod": 1 if x.dtype in FLOATS else b.flag()}
    b.add(name, operands, **attributes)


def step(b: Builder, name: str) -> None:
    """Add one operator."""
    recipe = MOVES.get(name) or LAYERS.get(name) or elementwise
    recipe(b, name)


@st.composite
def graphs(draw: Draw) -> onnx.ModelProto:
    """Build a model: inputs, up to 25 nodes on them and on each other, the unread as outputs."""
    b = Builder(draw)
    for _ in range(draw(st.integers(1, 2))):
        b.new(b.shape(b.number(1, 4)), b.one_of(TYPES), given=True)
    wanted = draw(st.integers(1, 25))
    for _ in range(3 * wanted):
        if len(b.nodes) < wanted:
            step(b, draw(st.sampled_from(list(SCHEMAS))))
    if not b.nodes:
        b.add("Identity", [b.values[0]])
    model = b.model()
    onnx.checker.check_model(model, full_check=True)
    return model
