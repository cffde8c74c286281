"""A fusion on onnx_ir, and a pass that is written for onnx-graphsurgeon."""

import onnx_graphsurgeon as gs
import onnx_ir as ir

from onnx2ms.plugins import (
    find,
    graph_pass,
    graphsurgeon_pass,
    op,
    replace,
    same_shape,
    scalar,
    symbol,
)

X = symbol("x")
SWOOSH = op("Softplus", X - scalar("shift")) - X * 0.08 - scalar("offset")


@graph_pass(stage="fuse", after=("fuse_softplus",))
def fuse_swoosh(graph: ir.Graph) -> int:
    """Replace softplus(x - shift) - 0.08 x - offset by com.acme.Swoosh."""
    fused = 0
    for match in find(graph, SWOOSH):
        if same_shape(match, "x"):
            numbers = {name: match.numbers[name] for name in ("shift", "offset")}
            replace(match, "Swoosh", [match["x"]], domain="com.acme", **numbers)
            fused += 1
    return fused


@graphsurgeon_pass(stage="shapes", after=("infer_shapes",))
def drop_double_negation(graph: gs.Graph) -> None:
    """Let the readers of -(-x) read x."""
    outputs = {id(tensor) for tensor in graph.outputs}
    for node in list(graph.nodes):
        if node.op != "Neg" or not node.inputs[0].inputs or id(node.outputs[0]) in outputs:
            continue
        inner = node.i()
        if inner.op == "Neg":
            for reader in list(node.outputs[0].outputs):
                places = [i for i, tensor in enumerate(reader.inputs) if tensor is node.outputs[0]]
                for place in places:
                    reader.inputs[place] = inner.inputs[0]
    graph.cleanup()
