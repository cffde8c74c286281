"""Two networks to train, as ONNX files: pictures with BatchNorm and Dropout, and token ids."""

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

CNN = """<ir_version: 10, opset_import: ["": 20]>
cnn (float[batch,3,8,8] image, float[8,3,3,3] conv_weight, float[8] scale, float[8] shift,
     float[8] mean, float[8] variance, float[5,8] fc_weight, float[5] fc_bias) => (float[batch,5] y)
<float ratio = {0.3}>
{
    a = Conv <pads = [1, 1, 1, 1]> (image, conv_weight)
    b = BatchNormalization (a, scale, shift, mean, variance)
    c = Relu (b)
    d = GlobalAveragePool (c)
    e = Flatten (d)
    f = Dropout (e, ratio)
    y = Gemm <transB = 1> (f, fc_weight, fc_bias)
}"""

TRANSFORMER = """<ir_version: 10, opset_import: ["": 20]>
decoder (int64[batch,length] input_ids, int64[batch,length] attention_mask, float[20,8] table,
         float[8,8] query, float[8,8] key, float[8,20] head, float[8] scale, float[8] shift)
    => (float[batch,length,8] hidden, float[batch,length,20] logits)
<int64[1] axes = {1}, float zero = {0}, float low = {-1e9}, int64 none = {0}>
{
    x = Gather (table, input_ids)
    q = MatMul (x, query)
    k = MatMul (x, key)
    kt = Transpose <perm = [0, 2, 1]> (k)
    scores = MatMul (q, kt)
    dropped = Equal (attention_mask, none)
    wide = Unsqueeze (dropped, axes)
    masked = Where (wide, low, scores)
    probs = Softmax <axis = -1> (masked)
    attended = MatMul (probs, x)
    sum = Add (x, attended)
    hidden = LayerNormalization <axis = -1> (sum, scale, shift)
    logits = MatMul (hidden, head)
}"""


def network(text: str) -> onnx.ModelProto:
    """Return a network with random weights: what it takes after its inputs become initializers."""
    model = onnx.parser.parse_model(text)
    random = np.random.default_rng(0)
    data = [v for v in model.graph.input if v.type.tensor_type.shape.dim[0].dim_param]
    for value in list(model.graph.input)[len(data) :]:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        array = random.uniform(0.1, 0.9, shape) if len(shape) == 1 else random.normal(size=shape)
        model.graph.initializer.append(
            numpy_helper.from_array(array.astype(np.float32), value.name)
        )
    del model.graph.input[len(data) :]
    return model
