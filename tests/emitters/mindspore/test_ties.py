"""A Parameter that two layers of PyTorch share is one Parameter, also where one reads it turned."""

import numpy as np
import onnx_ir as ir

from onnx2ms.compiler.ir.provenance import KEY
from onnx2ms.emitters.base import EmitOptions
from onnx2ms.emitters.mindspore import MindSporeEmitter
from onnx2ms.passes.pipeline import run_pipeline

TIED = """<ir_version: 10, opset_import: ["": 24]>
g (int64[2,3] ids, float[7,4] table) => (float[2,3,7] y)
{
  x = Gather(table, ids)
  t = Transpose(table)
  y = MatMul(x, t)
}"""


def test_an_embedding_that_is_the_last_layer_too():
    model = ir.from_onnx_text(TIED)
    table = model.graph.inputs.pop()
    table.const_value = ir.tensor(np.arange(28, dtype=np.float32).reshape(7, 4))
    table.metadata_props[KEY] = "head.weight"
    model.graph.register_initializer(table)
    run_pipeline(model)
    emission = MindSporeEmitter().emit(model, EmitOptions("net.onnx", "", 24, "model.ckpt", "0"))
    assert [weight.state_dict for weight in emission.weights] == ["head.weight"]
    (line,) = [line for line in emission.source.splitlines() if "embedding_table" in line]
    assert " = self." in line
