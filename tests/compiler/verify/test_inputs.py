import ml_dtypes
import numpy as np
import onnx.parser
import onnx_ir as ir
import pytest

from onnx2ms.compiler.ir.errors import UsageError
from onnx2ms.compiler.verify.inputs import load_inputs, make_inputs


def graph(text):
    proto = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["": 20]>\n{text}')
    return ir.from_proto(proto).graph


def made(text, name="x"):
    return make_inputs(graph(text))[name]


BERT = """
g (int64[4,200] ids, int64[4,200] attention_mask, int64[4,200] types) => (float[4,200,2] y)
<float[30,2] words = {WORDS}, float[2,2] kinds = {1,2,3,4}, int64 two = {2}, float one = {1}>
{
  shifted = Add (ids, two)
  flat = Flatten (shifted)
  w = Gather (words, flat)
  cast = Cast <to = 6> (types)
  k = Gather (kinds, cast)
  sum = Add (w, k)
  m = Cast <to = 1> (attention_mask)
  inverse = Sub (one, m)
  keep = Cast <to = 9> (inverse)
  y = Where (keep, sum, sum)
}""".replace("WORDS", ",".join(["0"] * 60))


def test_ids_lie_within_the_smallest_table_and_masks_are_ones():
    arrays = make_inputs(graph(BERT))
    assert list(arrays) == ["ids", "attention_mask", "types"]
    assert arrays["ids"].min() == 0
    assert arrays["ids"].max() == 27  # 2 is added before the table of 30 is read
    assert set(np.unique(arrays["types"])) == {0, 1}
    assert arrays["attention_mask"].dtype == np.int64
    assert (arrays["attention_mask"] == 1).all()


def test_another_input_does_not_change_the_others():
    one = made("g (float[3,4] x) => (float[3,4] y) { y = Relu (x) }")
    two = made("g (float[2] z, float[3,4] x) => (float[3,4] y) { y = Relu (x) }")
    assert np.array_equal(one, two)
    again = make_inputs(graph("g (float[3,4] x) => (float[3,4] y) { y = Relu (x) }"), seed=1)
    assert not np.array_equal(one, again["x"])


@pytest.mark.parametrize("shape", ["1,3,32,48", "2,1,32,32", "1,32,32,3"])
def test_pictures_are_smooth(shape):
    x = made(f"g (float[{shape}] x) => (float[{shape}] y) {{ y = Relu (x) }}")
    axis = 1 if x.shape[-1] == 3 else 2
    steps = np.abs(np.diff(x, axis=axis)).mean()
    assert x.std() > 0.3
    assert steps < 0.5 * x.std()  # noise alone gives 1.1
    assert np.abs(x).max() < 3


def test_pictures_that_the_graph_scales_go_to_255():
    x = made("""g (float[1,3,32,32] x) => (float[1,3,32,32] y)
    <float scale = {255.0}> { y = Div (x, scale) }""")
    assert 0 <= x.min() < 60
    assert 200 < x.max() <= 255


def test_bytes_are_pictures():
    x = made("g (uint8[1,32,32,3] x) => (float[1,32,32,3] y) { y = Cast <to = 1> (x) }")
    assert x.dtype == np.uint8
    assert x.max() > 200


def test_sounds_repeat():
    x = made("g (float[1,16000] x) => (float[1,16000] y) { y = Relu (x) }")[0]
    power = np.abs(np.fft.rfft(x)) ** 2
    assert np.sort(power)[-100:].sum() > 0.8 * power.sum()  # of 8001 frequencies


@pytest.mark.parametrize(
    ("operator", "low", "high"),
    [("Log", 0.0, np.inf), ("Sqrt", 0.0, np.inf), ("Acos", -1.0, 1.0), ("Acosh", 1.0, np.inf)],
)
def test_values_lie_where_a_function_is_defined(operator, low, high):
    x = made(f"g (float[50] x) => (float[50] y) {{ r = Identity (x) y = {operator} (r) }}")
    assert x.min() > low
    assert x.max() < high


def test_float_masks_are_ones_and_thresholded_values_are_not():
    text = "g (float[9] {}) => (bool[9] y) <float t = {{0.0}}> {{ y = Greater ({}, t) }}"
    assert (made(text.format("attn_mask", "attn_mask"), "attn_mask") == 1).all()
    assert made(text.format("x", "x")).std() > 0


def test_bools_and_sizes_are_ones_and_lengths_are_full():
    text = """g (bool[3] b, int64[2] s, int32[2] n, float[7,2,3] v) => (float y, bool[3] z)
    <float[1,4,3] w = {1,1,1,1,1,1,1,1,1,1,1,1}, float[1,4,4] r = {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1},
     float one = {1.0}>
    { z = Not (b) y = Expand (one, s) a = RNN <hidden_size = 4> (v, w, r, , n) }"""
    arrays = make_inputs(graph(text))
    assert arrays["b"].all()
    assert (arrays["s"] == 1).all()
    assert arrays["n"].tolist() == [7, 7]


def test_unknown_integers_are_small():
    x = made("g (int64[50] x) => (float[50] y) { y = Cast <to = 1> (x) }")
    assert set(np.unique(x)) <= {0, 1, 2, 3}
    assert x.std() > 0


def test_initializers_are_not_inputs():
    value = graph("g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { y = Add (x, w) }")
    value.inputs.append(value.initializers["w"])
    assert list(make_inputs(value)) == ["x"]


def test_bfloat16_and_float16_have_their_types():
    text = "g (bfloat16[2] x, float16[2] z) => (float[2] y) { y = Cast <to = 1> (x) }"
    arrays = make_inputs(graph(text))
    assert arrays["x"].dtype == ml_dtypes.bfloat16
    assert arrays["z"].dtype == np.float16


@pytest.mark.parametrize("kind", ["float[N,3]", "string[2]"])
def test_what_cannot_be_made_up_is_asked_for(kind):
    with pytest.raises(UsageError, match="cannot make up input 'x'") as caught:
        made(f"g ({kind} x) => ({kind} y) {{ y = Identity (x) }}")
    assert "--inputs" in caught.value.help


TWO = "g (float[2] x, bfloat16[2] z) => (float[2] y) { y = Relu (x) }"


def test_arrays_are_read_in_the_graphs_order(tmp_path):
    file = tmp_path / "in.npz"
    z = np.array([1.5, 2], ml_dtypes.bfloat16)
    np.savez(file, z=z, x=np.ones(2, np.float32))
    arrays = load_inputs(file, graph(TWO))
    assert list(arrays) == ["x", "z"]
    assert arrays["z"].dtype == ml_dtypes.bfloat16
    assert arrays["z"].tolist() == [1.5, 2.0]


def test_wrong_arrays_are_told_all_at_once(tmp_path):
    file = tmp_path / "in.npz"
    np.savez(file, x=np.ones(3), extra=np.ones(1))
    with pytest.raises(UsageError) as caught:
        load_inputs(file, graph(TWO))
    message = caught.value.message
    assert "there is no input 'extra'" in message
    assert "no array for 'z'" in message
    assert "'x' is float64, not float32" in message
    assert "'x': float32[2]" in message
    assert "'z': bfloat16[2]" in message


def test_a_wrong_shape_is_told(tmp_path):
    file = tmp_path / "in.npz"
    np.savez(file, x=np.ones(3, np.float32), z=np.array([1, 2], ml_dtypes.bfloat16))
    with pytest.raises(UsageError, match=r"'x' has shape \[3\]"):
        load_inputs(file, graph(TWO))


def test_what_is_no_npz_is_refused(tmp_path):
    missing, text, single, objects = (tmp_path / n for n in ("a.npz", "b.npz", "c.npy", "d.npz"))
    text.write_text("no")
    np.save(single, np.ones(2))
    np.savez(objects, x=np.array([{}], object), z=np.ones(2))
    for file in (missing, text, single, objects):
        with pytest.raises(UsageError, match="cannot read the inputs"):
            load_inputs(file, graph(TWO))
