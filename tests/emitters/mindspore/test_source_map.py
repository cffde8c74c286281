"""Every value of the graph has a place in the source, and the right one."""

import ast

TEXT = """g (float[1,4,8,8] x) => (float[1,4,8,8] y)
<float[4,4,1,1] c_weight = {0,0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0}, float half = {0.5}>
{
  a = Conv (x, c_weight)
  b = Relu (a)
  s = Sigmoid (b)
  d = Mul (s, b)
  y = Mul (d, half)
}"""


def text_at(source: str, place) -> str:
    """Return the text of a place."""
    lines = source.split("\n")[place.line - 1 : place.end_line]
    lines[-1] = lines[-1][: place.end_column]
    lines[0] = lines[0][place.column :]
    return "\n".join(lines)


def test_each_node_has_one_place_in_topological_order(emit):
    emission = emit(TEXT, {"a": "c"})
    assert [place.value for place in emission.source_map] == ["a", "b", "s", "d", "y"]


def test_places_hold_the_expressions(emit):
    emission = emit(TEXT, {"a": "c"})
    texts = {place.value: text_at(emission.source, place) for place in emission.source_map}
    assert texts["a"] == "self.c(x)"
    assert texts["b"] == "ops.relu(self.c(x))"
    assert texts["y"].endswith("* 0.5")
    for text in texts.values():
        ast.parse(text, mode="eval")


def test_objects_of_one_class_share_lines_and_differ_in_path(emit):
    text = """g (float[2] x) => (float[2] y)
    { a = Exp(x) b = Relu(a) c = Exp(b) d = Exp(c) e = Relu(d) y = Exp(e) }"""
    scopes = dict.fromkeys("abc", "n.p") | dict.fromkeys("dey", "n.q")
    places = {place.value: place for place in emit(text, scopes).source_map}
    assert (places["a"].path, places["d"].path) == ("n.p", "n.q")
    assert places["a"].line == places["d"].line
    assert places["a"].class_name == places["d"].class_name


def test_layers_of_a_sequence_stand_where_it_is_constructed(emit):
    text = """g (float[1,4] x) => (float[1,4] y)
    <float[4,4] s_0_weight = {0,0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0}>
    { a = Gemm <transB = 1> (x, s_0_weight) b = Relu(a) y = Exp(b) }"""
    emission = emit(text, {"a": "s.0", "b": "s.1"})
    places = {place.value: place for place in emission.source_map}
    assert [places[v].path for v in "aby"] == ["s.0", "s.1", ""]
    assert places["a"].class_name == "nn.SequentialCell"
    assert text_at(emission.source, places["a"]).startswith("nn.SequentialCell(nn.Dense(4, 4")
