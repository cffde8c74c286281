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

VERSION = 1
"""Version of the domain."""

DEFINITIONS: dict[str, str] = {
    # torch.nn.functional.glu
    "Glu": """<axis> (x) => (y) {
        value, gate = Split <num_outputs = 2, axis: int = @axis> (x)
        weight = Sigmoid (gate)
        y = Mul (value, weight)
    }""",
    # torch.nn.functional.linear of any rank, the weight as (in, out); Gemm is of rank 2 only
    "Linear": """(x, weight, bias) => (y) {
        product = MatMul (x, weight)
        y = Add (product, bias)
    }""",
}
"""By operator: attributes, inputs, outputs and body, as ONNX text."""


def declare(model: ir.Model, operators: Iterable[str]) -> None:
    """Give a model the definitions of operators, unless it has them."""
    for name in operators:
        function = ir.serde.deserialize_function(_definition(name))
        model.functions.setdefault(function.identifier(), function)
        model.opset_imports.setdefault(DOMAIN, VERSION)


@cache
def _definition(name: str) -> onnx.FunctionProto:
    """Return the definition of an operator."""
    header = f'<domain: "{DOMAIN}", opset_import: ["": {OPSET}]>'
    return onnx.parser.parse_function(f"{header} {name} {DEFINITIONS[name]}")
