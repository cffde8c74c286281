"""Operators of our own domain: each is a function whose body, in ONNX, is its definition."""

from collections.abc import Callable

import onnx
import onnx.parser
import onnx_ir as ir

from ..compiler.ir.dialect import DOMAIN, OPSET
from .skeleton import nested

Body = Callable[[], str]
BODIES: dict[str, Body] = {}
"""By operator: returns its definition in ONNX's text form, without its header."""


def defines(op_type: str) -> Callable[[Body], Body]:
    """Register the definition of an operator.

    Raises:
        ValueError: It has one already.
    """

    def register(body: Body) -> Body:
        if op_type in BODIES:
            raise ValueError(f"{op_type} is defined twice")
        BODIES[op_type] = body
        return body

    return register


def function_proto(op_type: str) -> onnx.FunctionProto:
    """Return an operator of our domain as a function."""
    header = f'<domain: "{DOMAIN}", opset_import: ["": {OPSET}]>'
    return onnx.parser.parse_function(f"{header}\n{BODIES[op_type]()}")


def declare(model: ir.Model) -> None:
    """Give a model the functions that its nodes call, and no others of our domain."""
    called = {
        node.op_type for graph in nested(model.graph) for node in graph if node.domain == DOMAIN
    }
    for identifier in list(model.functions):
        if identifier[0] == DOMAIN and identifier[1] not in called:
            del model.functions[identifier]
    for op_type in sorted(called):
        if (DOMAIN, op_type, "") not in model.functions:
            function = ir.serde.deserialize_function(function_proto(op_type))
            model.functions[function.identifier()] = function
    if called:
        model.graph.opset_imports[DOMAIN] = 1
    else:
        model.graph.opset_imports.pop(DOMAIN, None)
