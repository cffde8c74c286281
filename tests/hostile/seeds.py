"""Valid models to spoil: small ones that are written here, and those of the onnx package."""

import json
import runpy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from onnx import TensorProto, helper, numpy_helper

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
PACKED = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Seed:
    """A model and the files beside it.

    Attributes:
        name: Where it comes from.
        data: The .onnx file.
        files: Contents of other files, by name.
    """

    name: str
    data: bytes
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])


TEXTS = {
    "layers": """g (float[1,3,8,8] x) => (float[1,4] y) <int64[2] to = {1, -1}>
        { a = Conv<pads=[1,1,1,1], strides=[2,2]>(x, w4x3x3x3, w4)
          b = BatchNormalization(a, g4, h4, h4, g4) c = Relu(b) d = Reshape(c, to)
          e = MatMul(d, w64x4) y = Softmax<axis=-1>(e) }""",
    "sizes": """g (float[b,t,12] x) => (float[b,t,3,4] y)
        <int64 zero = {0}, int64 one = {1}, int64[2] heads = {3, 4}, int64[1] at = {0}>
        { s = Shape(x) p = Gather(s, zero) q = Gather(s, one) r = Mul(p, one)
          pu = Unsqueeze(r, at) qu = Unsqueeze(q, at) w = Concat<axis=0>(pu, qu, heads)
          y = Reshape(x, w) }""",
    "claims": """g (float[2,3] x) => (float[n,m] y, float[k] z)
        <int64[2] big = {2, 3}, int64[2] times = {1, 1}, int64 first = {0}, int64 last = {6},
         int64 step = {1}, int64[4] pads = {0, 0, 0, 0}, int64 depth = {2},
         float[2] values = {0.0, 1.0}, int64[3] which = {0, 1, 0}, float[2] scales = {1.0, 1.0}>
        { a = ConstantOfShape(big) b = Expand(x, big) c = Tile(b, times)
          r = Range(first, last, step) z = Cast<to=1>(r) d = Pad(c, pads)
          o = OneHot<axis=0>(which, depth, values) e = Resize(d, , scales) u = Add(a, e)
          v = ReduceSum<keepdims=1>(o) f = Add(u, v) y = Identity(f) }""",
    "constants": """g (int64[4] x) => (int64[4] y, float[4,4] m, int64[4] s)
        <int64[4] a = {6, 7, 8, 9}, int64[4] b = {1, 2, 3, 4}, uint64[2] f = {1, 2},
         int64 axis = {0}, int64[1] k = {2}>
        { c = Mod(a, b) d = Div(c, b) e = BitShift<direction="LEFT">(f, f) s = CumSum(d, axis)
          h, i = TopK(w4x4, k) y = Add(x, d) t = Transpose<perm=[1,0]>(w4x4)
          m = MatMul(w4x4, t) }""",
    "loop": """g (float[2] x, int64 n, bool c) => (float[2] y, float[t,2] rows)
        { y, rows = Loop <body = body (int64 i, bool go, float[2] state)
            => (bool on, float[2] next, float[2] row)
            { on = Identity(go) f = Cast<to=1>(i) next = Add(state, f) row = Relu(next) }>
          (n, c, x) }""",
    "turns": """g (float[2] x) => (float[2] y) <int64 n = {3}, bool c = {1}>
        { y = Loop <body = body (int64 i, bool go, float[2] state) => (bool on, float[2] next)
            { on = Identity(go) f = Cast<to=1>(i) next = Add(state, f) }>(n, c, x) }""",
    "branches": """g (float[2] x, bool c) => (float[2] y)
        { y = If(c) <then_branch = then () => (float[2] p) { q = Relu(x)
            p = If(c) <then_branch = deep () => (float[2] u) { u = Neg(q) },
                       else_branch = flat () => (float[2] v) { v = Exp(q) }> },
          else_branch = other () => (float[2] r) { r = Abs(x) }> }""",
    "scan": """g (float[3] s, float[5,3] x) => (float[3] y, float[5,3] all)
        { y, all = Scan<num_scan_inputs=1, body = body (float[3] a, float[3] b)
            => (float[3] c, float[3] d) { c = Add(a, b) d = Identity(c) }>(s, x) }""",
    "attention": """g (float[1,4,8] x) => (float[1,4,8] y) <float root = {2.8}>
        { q = MatMul(x, w8x8) k = MatMul(x, v8x8) kt = Transpose<perm=[0,2,1]>(k)
          qk = MatMul(q, kt) s = Div(qk, root) p = Softmax<axis=-1>(s) v = MatMul(p, x)
          y = LayerNormalization<axis=-1, epsilon=0.00001>(v, w8, v8) }""",
    "recurrent": """g (float[5,1,3] x) => (float[5,1,1,4] y)
        { y, h, c = LSTM<hidden_size=4>(x, w1x16x3, w1x16x4, w1x32) }""",
    "strings": """g (float[2] x) => (float[2] y, string[2] z) <string[2] names = {"a", "b"}>
        { y = Relu(x) z = Identity(names) }""",
    "sequences": """g (float[2,3] x) => (float[2,3] y) <int64 one = {1}>
        { parts = SplitToSequence<axis=1>(x, one) first = SequenceAt(parts, one)
          y = ConcatFromSequence<axis=1>(parts) }""",
    "quantized": """g (float[1,2,4,4] x) => (float[1,2,2,2] y)
        <float scale = {0.5}, int8 point = {0}, float[2] ws = {0.1, 0.2}, int8[2] wp = {0, 0}>
        { q = QuantizeLinear(x, scale, point) d = DequantizeLinear(q, scale, point)
          r = QuantizeLinear<axis=0>(w2x2x3x3, ws, wp) e = DequantizeLinear<axis=0>(r, ws, wp)
          y = Conv(d, e) }""",
    "indices": """g (float[3,4] x) => (float[3,4] y, float[2,4] z, float[3,2] w, float[2,4] t)
        <int64[2,4] i = {0, 1, 2, 0, 1, 2, 0, 1}, int64[1] s = {0}, int64[1] e = {2},
         int64[1] a = {1}, int64[2,1] n = {0, 2}>
        { y = ScatterElements<axis=0>(x, i, w2x4) z = GatherElements<axis=0>(x, i)
          w = Slice(x, s, e, a) t = GatherND(x, n) }""",
    "resize": """g (float[1,2,4,4] x) => (float[1,2,8,8] y, float[1,2,2,2] z)
        <float[4] scales = {1.0, 1.0, 2.0, 2.0}, int64[4] sizes = {1, 2, 2, 2}>
        { y = Resize<mode="linear">(x, , scales) a = Resize<mode="nearest">(x, , , sizes)
          z = MaxPool<kernel_shape=[1,1]>(a) }""",
    "einsum": """g (float[2,3] x, float[3,4] w) => (float[2,4] y)
        { y = Einsum<equation="ij,jk->ik">(x, w) }""",
    "parts": """g (float[4,6] x) => (float[4,2] y, float[4,4] z, int64[n,2] w)
        <int64[2] sizes = {2, 4}>
        { y, z = Split<axis=1>(x, sizes) n = NonZero(y) w = Transpose(n) }""",
}
"""Graphs by name; `w4x3` is a random weight of that shape."""

FUNCTIONS = """<ir_version: 10, opset_import: ["": 21, "own": 1]>
    g (float[2,3] x) => (float[2,3] y) { a = own.twice<k: int = 3>(x) y = own.outer(a) }
    <domain: "own", opset_import: ["": 21]> twice <k> (u) => (v)
    { c = Constant<value_int: int = @k>() f = CastLike(c, u) v = Mul(u, f) }
    <domain: "own", opset_import: ["": 21, "own": 1]> outer (u) => (v)
    { w = own.twice<k: int = 2>(u) v = Relu(w) }"""

OPSET = 21


def small() -> list[Seed]:
    """Return the models that are written here."""
    found = [Seed(name, parsed(text).SerializeToString()) for name, text in TEXTS.items()]
    functions = onnx.parser.parse_model(FUNCTIONS)
    found.append(Seed("functions", functions.SerializeToString()))
    return [*found, external(), sparse(), scoped()]


def large() -> list[Seed]:
    """Return networks that ship inside onnx, and exports of PyTorch's."""
    names = ("squeezenet", "shufflenet")
    found = [Seed(name, (LIGHT / f"light_{name}.onnx").read_bytes()) for name in names]
    zoo = runpy.run_path(str(PACKED / "zoo.py"))
    for entry in json.loads((PACKED / "index.json").read_text()):
        if entry["id"] in ("pl_scripted_if_loop", "pl_scripted_fn_in_trace", "dyn_hf_bert"):
            name = f"{entry['exporter']}/{entry['id']}"
            found.append(Seed(name, zoo["load"](PACKED, entry).SerializeToString()))
    return found


def suite() -> list[Seed]:
    """Return the operators' own cases of the official suite."""
    from onnx.backend.test.loader import load_model_tests

    cases = sorted(load_model_tests(kind="node"), key=lambda case: case.name)
    return [Seed(c.name, c.model.SerializeToString()) for c in cases if c.model is not None]


def parsed(text: str) -> onnx.ModelProto:
    """Return the model of a graph's text, with its weights."""
    graph = onnx.parser.parse_graph(text)
    random = np.random.default_rng(0)
    for name in dict.fromkeys(name for node in graph.node for name in node.input):
        if name[:1] in ("w", "v", "g", "h") and name[1:2].isdigit():
            shape = [int(size) for size in name[1:].split("x")]
            graph.initializer.append(
                numpy_helper.from_array(random.random(shape, np.float32) + 0.1, name)
            )
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, ir_version=10, opset_imports=opsets)


def external() -> Seed:
    """Return a network whose weights stand in a file beside it."""
    model = parsed("g (float[2,32] x) => (float[2,32] y) { a = MatMul(x, w32x32) y = Relu(a) }")
    (tensor,) = model.graph.initializer
    content = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": "weights.bin", "offset": 0, "length": len(content)}.items():
        tensor.external_data.add(key=key, value=str(value))
    return Seed("external", model.SerializeToString(), {"weights.bin": content})


def sparse() -> Seed:
    """Return a network with a sparse constant."""
    values = numpy_helper.from_array(np.ones(2, np.float32), "s")
    places = numpy_helper.from_array(np.asarray([1, 3], np.int64))
    held = helper.make_sparse_tensor(values, places, [2, 2])
    graph = helper.make_graph(
        [
            helper.make_node("Constant", [], ["s"], sparse_value=held),
            helper.make_node("MatMul", ["x", "s"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 2])],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, ir_version=10, opset_imports=opsets)
    return Seed("sparse", model.SerializeToString())


def scoped() -> Seed:
    """Return a network with the metadata of PyTorch's dynamo exporter."""
    text = "{ a = MatMul(x, w8x8) b = Add(a, w8) c = Relu(b) d = MatMul(c, v8x8) y = Add(d, v8) }"
    model = parsed(f"g (float[2,8] x) => (float[2,8] y) {text}")
    model.producer_name = "pytorch"
    for i, node in enumerate(model.graph.node):
        path = ("fc1", "fc1", "act", "fc2", "fc2")[i]
        kind = "torch.nn.modules.linear.Linear"
        told = {
            "pkg.torch.onnx.name_scopes": repr(["", path, f"op_{i}"]),
            "pkg.torch.onnx.class_hierarchy": repr(["net.Net", kind, "aten.linear.default"]),
            "pkg.torch.onnx.fx_node": f"%linear : call_function[target=torch.ops.aten.linear"
            f".default](args = (%x, %p_{path}_weight, %p_{path}_bias), kwargs = {{}})",
        }
        for key, value in told.items():
            node.metadata_props.add(key=key, value=value)
    model.metadata_props.add(key="onnx2ms.torch", value=json.dumps({"trained": ["w8"]}))
    return Seed("scoped", model.SerializeToString())
