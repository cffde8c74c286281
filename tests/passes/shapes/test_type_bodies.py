"""What goes from turn to turn has the sizes that no turn changes."""

import onnx_ir as ir

from onnx2ms.passes.shapes.infer_shapes import infer_shapes
from onnx2ms.passes.shapes.type_bodies import type_bodies

TEXT = """<ir_version: 8, opset_import: ["": 24]>
g (float[2,3] x, float[1,3] y, int64 m, bool c) => (float[2,3] u, float[n,3] v)
{
  u, v = Loop (m, c, x, y) <
    body = b (i, go_on, a, r) => (goes_on, a1, r1)
    { goes_on = Identity(go_on) a1 = Neg(a) r1 = Concat <axis = 0> (r, a) }
  >
}"""


def test_a_size_that_grows_is_not_known():
    graph = ir.from_onnx_text(TEXT).graph
    assert type_bodies(graph)
    counter, condition, kept, grown = graph[0].attributes["body"].as_graph().inputs
    assert (counter.dtype, condition.dtype) == (ir.DataType.INT64, ir.DataType.BOOL)
    assert kept.shape == ir.Shape([2, 3])
    assert grown.shape == ir.Shape([None, 3])
    assert not type_bodies(graph)


HEADS = """<ir_version: 8, opset_import: ["": 24]>
g (float[batch,t,4] x, float[batch,4,1] s) => (float[batch,4,1] u, float[n,b,c,d] v)
<int64[1] last = {-1}, int64 count = {3}, bool yes = {1}>
{
  u, v = Loop (count, yes, s) <
    body = b (int64 i, bool go_on, a) => (goes_on, a1, p)
    {
      goes_on = Identity(go_on)
      r = Gather <axis = 1> (x, i)
      column = Unsqueeze(r, last)
      a1 = Add(a, column)
      p = Neg(a1)
    }
  >
}"""


def test_constants_around_tell_ranks_of_a_body_and_these_what_is_stacked():
    """The axes of Unsqueeze are a constant of the graph around the body."""
    graph = ir.from_onnx_text(HEADS).graph
    body = graph[0].attributes["body"].as_graph()
    for _ in range(2):
        for each in (graph, body):
            infer_shapes(each)
        type_bodies(graph)
    assert body.inputs[2].shape == ir.Shape(["batch", 4, 1])
    assert graph[0].outputs[1].shape == ir.Shape([None, None, 4, 1])


def test_sizes_that_nothing_tells_have_names_of_their_own():
    """A state's first size was called _1, and so was the next size that was not known."""
    text = TEXT.replace("float[2,3] x", "float[_1,3] x").replace(
        "(i, go_on, a, r)", "(i, go_on, float[_1,3] a, r)"
    )
    graph = ir.from_onnx_text(text).graph
    body = graph[0].attributes["body"].as_graph()
    for each in (graph, body):
        infer_shapes(each)
    type_bodies(graph)
    infer_shapes(body)
    kept, grown = body.inputs[2:]
    assert kept.shape == ir.Shape(["_1", 3])
    assert grown.shape is not None
    assert grown.shape[0] != "_1"
