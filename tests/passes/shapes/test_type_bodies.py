"""What goes from turn to turn has the sizes that no turn changes."""

import onnx_ir as ir

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
