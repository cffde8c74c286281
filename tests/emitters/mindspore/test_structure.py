"""Graphs whose file names no modules get their blocks from structure."""

import ast

import numpy as np

ZERO = np.zeros


def residual(i: int, x: str, channels: int) -> tuple[str, str]:
    """Return a block of two convolutions beside which the input passes, and its weights."""
    zeros = ", ".join("0" * channels * channels)
    nodes = (
        f"a{i} = Conv({x}, v{i}) b{i} = Relu(a{i}) c{i} = Conv(b{i}, w{i}) "
        f"d{i} = Add(c{i}, {x}) e{i} = Relu(d{i})\n"
    )
    shape = f"float[{channels},{channels},1,1]"
    return nodes, f"{shape} v{i} = {{{zeros}}}, {shape} w{i} = {{{zeros}}}"


def chain(count: int) -> str:
    """Return blocks in a row, without any names of modules."""
    blocks = [residual(i, f"e{i - 1}" if i else "x", 2) for i in range(count)]
    return (
        f"g (float[1,2,4,4] x) => (float[1,2,4,4] e{count - 1})\n"
        f"<{', '.join(weights for _, weights in blocks)}>\n{{{''.join(n for n, _ in blocks)}}}"
    )


def classes(source: str) -> list[str]:
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]


def test_repeated_region_is_a_class_and_its_row_a_sequence(emit):
    source = emit(chain(4)).source
    assert len(classes(source)) == 2
    assert "self.blocks = nn.SequentialCell(*[" in source
    assert "for _ in range(4)])" in source
    assert "module" not in source.lower().replace("module.", "")


def test_region_that_occurs_once_stays_in_its_parent(emit):
    assert len(classes(emit(chain(1)).source)) == 1


def test_layers_are_numbered_where_there_are_several(emit):
    source = emit(chain(2)).source
    assert "self.conv1 = " in source
    assert "self.conv2 = " in source


def test_long_chain_is_a_sequence(emit):
    zeros = ", ".join("0" * 4)
    text = f"""g (float[1,2,4,4] x) => (float[1,2,4,4] y)
    <float[2,2,1,1] u = {{{zeros}}}, float[2,2,1,1] v = {{{zeros}}}, float[2,2,1,1] w = {{{zeros}}}>
    {{ a = Conv(x, u) b = Relu(a) c = Conv(b, v) d = Relu(c) e = Conv(d, w) y = Relu(e) }}"""
    source = emit(text).source
    assert "self.features = nn.SequentialCell(" in source
    assert "return self.features(x)" in source


def test_parts_without_an_end_in_common(emit):
    """Two outputs: what forks and never joins again is not a region."""
    text = "g (float[2] x) => (float[2] y, float[2] z) { a = Relu(x) y = Tanh(a) z = Sigmoid(a) }"
    assert len(emit(text).source_map) == 3
