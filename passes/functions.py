"""Operators of the domain onnx2ms, each with its definition in operators of ai.onnx.

A model that has a node of one carries the definition, which onnxruntime inlines: so it is valid and
runs like any other.
"""

from collections.abc import Iterable
from functools import cache

import onnx
import onnx.parser
import onnx_ir as ir

from ..compiler.ir.dialect import DOMAIN, OPSET
from .recurrent_definitions import RECURRENT
from .skeleton import nested

VERSION = 1
"""Version of the domain."""

DEFINITIONS: dict[str, str] = RECURRENT | {
    "FakeQuantize": """<axis, block_size> (x, scale, zero_point) => (y) {
        quantized = QuantizeLinear <axis: int = @axis, block_size: int = @block_size>
                                   (x, scale, zero_point)
        y = DequantizeLinear <axis: int = @axis, block_size: int = @block_size>
                             (quantized, scale, zero_point)
    }""",
    # scaled dot-product attention of any rank; the operator of ai.onnx is of rank 4
    "Attention": """<scale> (query, key, value) => (y) {
        number = Constant <value_float: float = @scale> ()
        factor = CastLike (number, query)
        scaled = Mul (query, factor)
        scores = Einsum <equation = "...qe,...ke->...qk"> (scaled, key)
        weights = Softmax <axis = -1> (scores)
        y = MatMul (weights, value)
    }""",
    # the same with a bias, which ai.onnx has too, but with zeros where this one has NaN
    "BiasedAttention": """<scale> (query, key, value, bias) => (y) {
        number = Constant <value_float: float = @scale> ()
        factor = CastLike (number, query)
        scaled = Mul (query, factor)
        scores = Einsum <equation = "...qe,...ke->...qk"> (scaled, key)
        biased = Add (scores, bias)
        weights = Softmax <axis = -1> (biased)
        y = MatMul (weights, value)
    }""",
    # the same over the keys that a mask shows, and zeros where it shows none: ai.onnx has it too,
    # but onnxruntime 1.31 wants a mask of all queries and keys there
    "MaskedAttention": """<scale> (query, key, value, mask) => (y) {
        number = Constant <value_float: float = @scale> ()
        factor = CastLike (number, query)
        scaled = Mul (query, factor)
        scores = Einsum <equation = "...qe,...ke->...qk"> (scaled, key)
        infinite = Constant <value_float = -inf> ()
        lowest = CastLike (infinite, query)
        shown = Where (mask, scores, lowest)
        weights = Softmax <axis = -1> (shown)
        none = IsNaN (weights)
        nothing = Constant <value_float = 0.0> ()
        zero = CastLike (nothing, query)
        guarded = Where (none, zero, weights)
        y = MatMul (guarded, value)
    }""",
    # torch.nn.functional.linear of any rank, the weight as (out, in); Gemm is of rank 2 only
    "Dense": """(x, weight, bias) => (y) {
        columns = Transpose <perm = [1, 0]> (weight)
        product = MatMul (x, columns)
        y = Add (product, bias)
    }""",
    # torch.nn.functional.glu
    "Glu": """<axis> (x) => (y) {
        value, gate = Split <num_outputs = 2, axis: int = @axis> (x)
        weight = Sigmoid (gate)
        y = Mul (value, weight)
    }""",
    # the same with the weight as (in, out)
    "Linear": """(x, weight, bias) => (y) {
        product = MatMul (x, weight)
        y = Add (product, bias)
    }""",
    # torch.nn.functional.pixel_unshuffle; SpaceToDepth has the channels of a pixel together
    "PixelUnshuffle": """<blocksize> (x) => (y) {
        depth = SpaceToDepth <blocksize: int = @blocksize> (x)
        block = Constant <value_int: int = @blocksize> ()
        axis = Constant <value_ints = [0]> ()
        area = Mul (block, block)
        pixels = Unsqueeze (area, axis)
        batch = Shape <start = 0, end = 1> (x)
        sizes = Shape <start = 2> (depth)
        rest = Constant <value_ints = [-1]> ()
        parts = Concat <axis = 0> (batch, pixels, rest, sizes)
        apart = Reshape (depth, parts)
        together = Transpose <perm = [0, 2, 1, 3, 4]> (apart)
        whole = Concat <axis = 0> (batch, rest, sizes)
        y = Reshape (together, whole)
    }""",
    # torch.repeat_interleave, each element of an axis as often; the axis is counted from the front
    "RepeatInterleave": """<axis, repeats> (x) => (y) {
        axis = Constant <value_int: int = @axis> ()
        repeats = Constant <value_int: int = @repeats> ()
        shape = Shape (x)
        size = Gather (shape, axis)
        count = Mul (size, repeats)
        zero = Constant <value_int = 0> ()
        one = Constant <value_int = 1> ()
        places = Range (zero, count, one)
        indices = Div (places, repeats)
        y = Gather <axis: int = @axis> (x, indices)
    }""",
    # torch.roll; axes count from the front, along each as its shift says
    "Roll": """<axes, shifts> (x) => (y) {
        axis = Constant <value_ints: ints = @axes> ()
        shift = Constant <value_ints: ints = @shifts> ()
        shape = Shape (x)
        sizes = Gather (shape, axis)
        back = Neg (shift)
        first = Mod (back, sizes)
        last = Add (first, sizes)
        rank = Shape (shape)
        ones = ConstantOfShape <value = int64[1] {1}> (rank)
        two = Constant <value_int = 2> ()
        count = Shape (axis)
        twos = Expand (two, count)
        repeats = ScatterElements <axis = 0> (ones, axis, twos)
        twice = Tile (x, repeats)
        y = Slice (twice, first, last, axis)
    }""",
    # rotate_half of transformers
    "RotateHalf": """(x) => (y) {
        first, second = Split <axis = -1, num_outputs = 2> (x)
        negative = Neg (second)
        y = Concat <axis = -1> (negative, first)
    }""",
    # torch.slice_scatter along some axes at once: x[starts:ends] = source, which is broadcast
    "SliceScatter": """<axes, starts, ends> (x, source) => (y) {
        axis = Constant <value_ints: ints = @axes> ()
        start = Constant <value_ints: ints = @starts> ()
        end = Constant <value_ints: ints = @ends> ()
        zero = Constant <value_int = 0> ()
        one = Constant <value_int = 1> ()
        vector = Constant <value_ints = [-1]> ()
        shape = Shape (x)
        count = Size (x)
        numbers = Range (zero, count, one)
        places = Reshape <allowzero = 1> (numbers, shape)
        part = Slice (places, start, end, axis)
        size = Shape (part)
        values = Expand (source, size)
        elements = Reshape (x, vector)
        indices = Reshape (part, vector)
        updates = Reshape (values, vector)
        changed = ScatterElements (elements, indices, updates)
        y = Reshape <allowzero = 1> (changed, shape)
    }""",
    # torch.std, torch.var
    "StandardDeviation": """<axes, correction, keepdims> (x) => (y) {
        variance = onnx2ms.Variance <axes: ints = @axes, correction: int = @correction,
                                     keepdims: int = @keepdims> (x)
        y = Sqrt (variance)
    }""",
    "Variance": """<axes, correction, keepdims> (x) => (y) {
        axis = Constant <value_ints: ints = @axes> ()
        mean = ReduceMean (x, axis)
        centered = Sub (x, mean)
        square = Mul (centered, centered)
        sum = ReduceSum <keepdims: int = @keepdims> (square, axis)
        shape = Shape (x)
        sizes = Gather (shape, axis)
        count = ReduceProd <keepdims = 0> (sizes)
        correction = Constant <value_int: int = @correction> ()
        freedom = Sub (count, correction)
        divisor = CastLike (freedom, x)
        y = Div (sum, divisor)
    }""",
}
"""By operator: attributes, inputs, outputs and body, as ONNX text."""


def declare(model: ir.Model, operators: Iterable[str]) -> None:
    """Give a model the definitions of those operators that it has nodes of."""
    for name in _used(operators, [node for graph in nested(model.graph) for node in graph]):
        function = ir.serde.deserialize_function(_definition(name))
        if function.identifier() not in model.functions:
            model.functions[function.identifier()] = function
            model.opset_imports.setdefault(DOMAIN, VERSION)


def _used(operators: Iterable[str], nodes: Iterable[ir.Node]) -> list[str]:
    """Return which operators there are nodes of, and those that their definitions use."""
    there = {node.op_type for node in nodes if node.domain == DOMAIN}
    used = [name for name in operators if name in there]
    inner = {node.op_type for name in used for node in _definition(name).node if node.domain}
    return [*used, *sorted(inner - set(used))]


@cache
def _definition(name: str) -> onnx.FunctionProto:
    """Return the definition of an operator."""
    header = f'<domain: "{DOMAIN}", opset_import: ["": {OPSET}, "{DOMAIN}": {VERSION}]>'
    return onnx.parser.parse_function(f"{header} {name} {DEFINITIONS[name]}")
