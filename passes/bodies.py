"""The graphs that a node holds: branches of an If, the body of a Loop."""

from collections.abc import Sequence

import onnx_ir as ir

from ..compiler.ir.graph import bodies
from ..compiler.ir.provenance import inherit, origins, path_of, scope_of, set_origins, set_scope
from .rewrite import Site
from .skeleton import nested


def release(node: ir.Node) -> None:
    """Let nothing inside of a node read values of the graphs around; the node is to be removed.

    onnx_ir counts readers in the bodies of a node that is in no graph any more.
    """
    for body in bodies(node):
        for graph in nested(body):
            for inner in graph:
                for index in range(len(inner.inputs)):
                    inner.replace_input_with(index, None)


def lift_body_constants(site: Site, body: ir.Graph) -> None:
    """Move the constants of a body, and of those inside of it, into the graph around the node.

    There they stay one, however often the body is copied.
    """
    for graph in nested(body):
        for value in list(graph.initializers.values()):
            _return_copy(site, graph, value)
            del graph.initializers[value.name or ""]
            value.name = site.name_for(value.name or "constant")
            site.graph.register_initializer(value)


def _return_copy(site: Site, body: ir.Graph, constant: ir.Value) -> None:
    """Let a body that returns a constant of its own return an Identity of it."""
    for index, value in enumerate(body.outputs):
        if value is constant:
            copy = ir.Value(name=site.name_for("returned"), type=value.type, shape=value.shape)
            node = ir.node("Identity", [value], outputs=[copy], name=site.fresh("returned"))
            inherit([node], [site.node])
            body.append(node)
            body.outputs[index] = copy


def splice(site: Site, body: ir.Graph, given: Sequence[ir.Value] = ()) -> list[ir.Value]:
    """Move a body's nodes and constants before its node; return what the body returned.

    Args:
        site: The node that holds the body, or for which the body is a copy.
        body: Its graph; nothing is left in it.
        given: What the body's inputs are, in their order.
    """
    actual = dict(zip(body.inputs, given, strict=True))
    results = [actual.get(value, value) for value in body.outputs]
    body.outputs.clear()
    for value, replacement in actual.items():
        value.replace_all_uses_with(replacement)
    lift_body_constants(site, body)
    nodes = list(body)
    body.remove(nodes)
    for node in nodes:
        for value in node.outputs:
            value.name = site.name_for(value.name or node.op_type)
        if not path_of(node):
            set_scope(node, scope_of(site.node))
        set_origins(node, (*origins(site.node), *origins(node)))
    site.graph.insert_before(site.node, nodes)
    return results


def splice_copy(site: Site, body: ir.Graph, given: Sequence[ir.Value]) -> list[ir.Value]:
    """Put a copy of a body's nodes before its node; return what that returned.

    Its constants must have been lifted: so they stay one.
    """
    copy = body.clone(allow_outer_scope_values=True)
    for graph in nested(copy):
        for node in graph:
            node.name = site.fresh(node.name or node.op_type)
    return splice(site, copy, given)


def turn_inputs(site: Site) -> tuple[ir.Value, ir.Value]:
    """Return the first two inputs of a Loop's body: the number of the turn, and the condition."""
    kinds = (("turn", ir.DataType.INT64), ("go_on", ir.DataType.BOOL))
    counter, condition = (
        ir.Value(name=site.name_for(role), type=ir.TensorType(dtype), shape=ir.Shape([]))
        for role, dtype in kinds
    )
    return counter, condition


def new_node(
    site: Site,
    op_type: str,
    inputs: Sequence[ir.Value | None],
    role: str,
    *,
    like: ir.Value | None = None,
    **attributes: int,
) -> ir.Node:
    """Return a node for a body, in no graph yet, with the provenance of the node that holds it.

    Args:
        site: The node that holds, or will hold, the body.
        op_type: Operator of ai.onnx with a single output.
        inputs: Its inputs.
        role: What its result is named for.
        like: A value whose type and shape the result has.
        attributes: Its attributes.
    """
    result = ir.Value(name=site.name_for(role))
    if like is not None:
        result.type, result.shape = like.type, like.shape
    name = site.fresh(f"{site.node.name}/{op_type}")
    node = ir.node(op_type, inputs, attributes, outputs=[result], name=name)
    inherit([node], [site.node])
    return node
