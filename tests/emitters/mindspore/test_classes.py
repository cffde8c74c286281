"""Modules that differ in numbers and optional parts become one class."""

import ast

import pytest

BLOCK = """
  {o}_a = Conv <pads = [1, 1, 1, 1], strides = [{stride}, {stride}]> ({x}, {o}_w1)
  {o}_b = Relu ({o}_a)
  {o}_c = Conv <pads = [1, 1, 1, 1]> ({o}_b, {o}_w2)
"""


def block(
    name: str, x: str, channels: tuple[int, int], downsample: bool
) -> tuple[str, list[str], dict[str, str]]:
    """Return nodes, initializers and scopes of a residual block."""
    into, out = channels
    stride = 2 if downsample else 1
    nodes = BLOCK.format(o=name, x=x, stride=stride)
    weights = [f"float[{out},{into},3,3] {name}_w1"]
    weights += [f"float[{out},{out},3,3] {name}_w2"]
    scopes = {f"{name}_a": f"{name}.conv1", f"{name}_b": name, f"{name}_c": f"{name}.conv2"}
    shortcut = x
    if downsample:
        shortcut = f"{name}_d"
        nodes += f"  {name}_d = Conv <strides = [2, 2]> ({x}, {name}_w3)\n"
        weights += [f"float[{out},{into},1,1] {name}_w3"]
        scopes[f"{name}_d"] = f"{name}.down.0"
    nodes += f"  {name} = Add ({name}_c, {shortcut})\n"
    scopes[name] = name
    return nodes, weights, scopes


def network(*blocks: tuple[tuple[int, int], bool]) -> tuple[str, dict[str, str]]:
    """Return a chain of residual blocks as ONNX text, and its scopes."""
    text, weights, scopes, x = "", [], {}, "x"
    for i, (channels, downsample) in enumerate(blocks):
        nodes, more, paths = block(f"b{i}", x, channels, downsample)
        text, weights, x = text + nodes, weights + more, f"b{i}"
        scopes |= paths
    first = blocks[0][0][0]
    return (
        f"g (float[1,{first},8,8] x) => (float[1,{blocks[-1][0][1]},N,M] {x})\n"
        f"<{', '.join(with_value(w) for w in weights)}>\n{{{text}}}",
        scopes,
    )


def with_value(declaration: str) -> str:
    """Return an initializer's declaration with a value of zeros."""
    dims = declaration[declaration.index("[") + 1 : declaration.index("]")].split(",")
    size = 1
    for dim in dims:
        size *= int(dim)
    return f"{declaration} = {{{', '.join(['0'] * size)}}}"


def classes(source: str) -> list[str]:
    """Return the names of the classes of a module."""
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]


def test_blocks_of_other_numbers_are_one_class(emit):
    text, scopes = network(((4, 4), False), ((4, 8), True), ((8, 8), False))
    source = emit(text, scopes).source
    assert classes(source) == ["BasicBlock", "Net"]
    assert "downsample" not in source
    assert "def __init__(" in source
    assert "BasicBlock(4, 4)" in source
    assert (
        "BasicBlock(4, 8, stride=2, down=nn.SequentialCell(nn.Conv2d(4, 8, 1, stride=2)))" in source
    )


def test_optional_child_passes_the_input_on(emit):
    text, scopes = network(((4, 4), False), ((4, 8), True))
    source = emit(text, scopes).source
    assert "identity = x if self.down is None else self.down(x)" in source


def test_pytorch_classes_give_the_names(emit):
    text, scopes = network(((4, 4), False), ((4, 4), False))
    named = {"": "a.b.ResNet", "b0": "a.b.Block", "b1": "a.b.Block"}
    assert classes(emit(text, scopes, named).source) == ["Block", "ResNet"]


def test_same_bodies_of_two_pytorch_classes_are_one(emit):
    text, scopes = network(((4, 4), False), ((4, 4), False))
    named = {"b0": "a.First", "b1": "a.Second"}
    assert classes(emit(text, scopes, named).source) == ["First", "Net"]


def test_other_computation_is_another_class(emit):
    text, scopes = network(((4, 4), False), ((4, 4), False))
    text = text.replace("b1_b = Relu (b1_a)", "b1_b = Sigmoid (b1_a)")
    assert len(classes(emit(text, scopes).source)) == 3


def test_swapped_operands_are_another_class(emit):
    text, scopes = network(((4, 4), False), ((4, 4), False))
    text = text.replace("Add (b1_c, b0)", "Add (b0, b1_c)")
    assert len(classes(emit(text, scopes).source)) == 3


def test_constant_that_differs_becomes_an_argument(emit):
    text = """g (float[2,3] x) => (float[2,3] y)
    <float one = {1.0}, float two = {2.0}>
    { a1 = Mul(x, one)  a2 = Relu(a1) a3 = Exp(a2)
      b1 = Mul(a3, two) b2 = Relu(b1) y = Exp(b2) }"""
    scopes = dict.fromkeys(["a1", "a2", "a3"], "f.a") | dict.fromkeys(["b1", "b2", "y"], "f.b")
    source = emit(text, scopes).source
    assert "def __init__(self, scale: float):" in source
    assert "x * self.scale" in source
    assert "(1.0)" in source
    assert "(2.0)" in source


def test_module_that_cannot_run_as_one_call_is_dissolved(emit):
    """`m` runs before and after something else: its layers are the parent's."""
    text = """g (float[1,4] x) => (float[1,4] y)
    <float[4,4] m_a_weight = {0,0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0},
     float[4,4] m_b_weight = {0,0,0,0, 0,0,0,0, 0,0,0,0, 0,0,0,0}>
    { p = Gemm <transB = 1> (x, m_a_weight)  q = Exp(p)  y = Gemm <transB = 1> (q, m_b_weight) }"""
    emission = emit(text, {"p": "m.a", "y": "m.b"})
    assert classes(emission.source) == ["Net"]
    assert [w.name for w in emission.weights] == ["m_a.weight", "m_b.weight"]


@pytest.mark.parametrize("name", ["my-net v2.onnx", "0.onnx", "class.onnx", '"""\nimport os.onnx'])
def test_root_without_a_class_is_named_for_the_file(emit, name: str):
    source = emit("g (float[2] x) => (float[2] y) { y = Relu(x) }", name=name).source
    assert len(classes(source)) == 1
    assert "import os\n" not in source


def test_network_without_weights_loads_none(emit):
    source = emit("g (float[2] x) => (float[2] y) { y = Relu(x) }").source
    assert "load_checkpoint" not in source
    assert "return Net().set_train(False)" in source


def test_same_input_gives_the_same_source(emit):
    text, scopes = network(((4, 4), False), ((4, 8), True), ((8, 8), False))
    assert emit(text, scopes).source == emit(text, scopes).source
