"""The code of every node of a graph."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from difflib import get_close_matches
from typing import cast

import onnx_ir as ir

from ...compiler.ir.errors import (
    REPORT,
    Onnx2msError,
    PluginError,
    Problem,
    UnsupportedError,
    quoted,
    told,
)
from ...compiler.ir.graph import is_constant, operator
from ...compiler.ir.provenance import path_of
from ...compiler.ir.sizes.analysis import Sizes
from ...compiler.ir.sizes.inference import analyse, is_open
from .code import Code, Expression
from .dtypes import mindspore_dtype
from .host import sizes_in
from .registry import CannotEmit, Op, Table
from .scalars import inline_sizes
from .size_tensors import size_tensor
from .stubs import stub as stub_of

INSIDE = 4
"""So long is the name of an operator that another one's name holds, as FastGelu holds Gelu."""


def emit_graph(
    graph: ir.Graph, model_name: str, table: Table
) -> tuple[dict[ir.Node, Code], Sizes | None]:
    """Return the code of a graph and, if some of its sizes are open, these.

    Nodes without code, and inputs that no code reads, are taken out of a graph of open sizes.

    Args:
        graph: The graph.
        model_name: For messages.
        table: What emits a node.

    Raises:
        UnsupportedError: For all nodes that have none.
    """
    known = analyse(graph) if is_open(graph) else None
    with nullcontext() if known is None else known.assumed():
        codes = emit_nodes(graph, model_name, known, table)
    if known is not None:
        keep_only(graph, codes)
    return codes, known


def emit_nodes(
    graph: ir.Graph, model_name: str, known: Sizes | None, table: Table
) -> dict[ir.Node, Code]:
    """Return the code of every node whose result some code reads, in the order of the graph.

    What only computes sizes has none: these stand as Python numbers in the code that needs them.

    Raises:
        UnsupportedError: For all nodes that have none.
    """
    codes: dict[ir.Node, Code] = {}
    problems: dict[ir.Node, Sequence[Problem]] = {}
    needed = set(graph.outputs)
    for node in reversed(graph):
        if known is not None and needed.isdisjoint(node.outputs):
            continue
        try:
            codes[node] = code_of(Op(node, known, table))
        except CannotEmit as error:
            problem = problem_of(node, str(error), table)
            codes[node] = stub_of(node, problem)
            problems[node] = [problem]
        except UnsupportedError as error:  # in a body of the node
            problems[node] = error.problems
        needed.update(codes[node].operands if node in codes else filter(None, node.inputs))
    if problems and not table.stub:
        raise UnsupportedError(model_name, in_order(graph, problems, table))
    return {node: codes[node] for node in graph if node in codes}


def in_order(
    graph: ir.Graph, problems: Mapping[ir.Node, Sequence[Problem]], table: Table
) -> list[Problem]:
    """Return the problems of a graph in its order; those that follow from others are marked."""
    found: list[Problem] = []
    lost: set[ir.Value | None] = set()
    for node in graph:
        behind = not lost.isdisjoint(node.inputs)
        known = (node.domain, node.op_type) in table.emitters
        found += [replace(item, behind=behind and known) for item in problems.get(node, ())]
        if behind or node in problems:
            lost.update(v for v in node.outputs if v.shape is None or v.dtype is None)
    return found


def problem_of(node: ir.Node, reason: str, table: Table) -> Problem:
    """Return what a user is told of a node that cannot be emitted."""
    known = (node.domain, node.op_type) in table.emitters
    near = () if known else nearest(node.op_type, table)
    return Problem(operator(node), node.name or "", path_of(node), reason, near)


def nearest(name: str, table: Table) -> tuple[str, ...]:
    """Return the supported operators whose names are most like another one."""
    own = name[:100].lower()
    names = {other.lower(): other for _, other in table.emitters}
    inside = [lower for lower in names if len(lower) >= INSIDE and lower in own]
    close = [*sorted(inside, key=len, reverse=True), *get_close_matches(own, names, 3)]
    return tuple(names[lower] for lower in dict.fromkeys(close))[:3]


def code_of(op: Op) -> Code:
    """Return the code of one node.

    Raises:
        CannotEmit: It has none; says why.
    """
    code = size_tensor(op)
    if code is not None:
        return code
    code = inline_sizes(_emitted(op), op)
    constants = [value for value in code.operands if is_constant(value)]
    for value in (*constants, *(out for out in op.node.outputs if out.is_graph_output())):
        if value.dtype is not None:
            mindspore_dtype(value.dtype)
    if isinstance(code, Expression):
        made = range(code.first, code.first + code.outputs)
        for number, value in enumerate(op.node.outputs):
            if number not in made and (value.uses() or value.is_graph_output()):
                raise CannotEmit(f"output {number} is read, which is not computed")
    settings = code.settings.values() if isinstance(code, Expression) else ()
    for size in sizes_in(tuple(settings)):
        if op.known is None or not op.known.tells(size):
            raise CannotEmit(f"the size {size} depends on data")
    return code


def _emitted(op: Op) -> Code:
    """Return what the emitter of a node makes of it.

    Raises:
        CannotEmit: There is none for it.
        PluginError: That of a plugin fails.
    """
    emitter = op.table.emitter_of(op.node)
    if not emitter.origin:
        return emitter(op)
    where = f"plugin {emitter.origin}: the emitter of {operator(op.node)}"
    try:
        made = cast("object", emitter(op))
    except (CannotEmit, Onnx2msError):
        raise
    except Exception as error:
        raise PluginError(
            f"{where} failed at node {quoted(op.node.name or '')}: {told(error)}", help=REPORT
        ) from error
    if not isinstance(made, Code):
        raise PluginError(f"{where} returned {type(made).__name__}, no Code", help=REPORT)
    return made


def keep_only(graph: ir.Graph, codes: Mapping[ir.Node, Code]) -> None:
    """Take out of a graph the nodes without code, and of the others the inputs that none reads."""
    for node in list(graph):
        if node in codes:
            for index, value in enumerate(node.inputs):
                unread = value is not None and value not in codes[node].operands
                if unread and not is_constant(value):  # constants tell what a value is called
                    node.replace_input_with(index, None)
    graph.remove([node for node in graph if node not in codes], safe=True)
