"""Long statements break at brackets; marks have no width and tell where expressions stand."""

import ast

import pytest

from onnx2ms.emitters.mindspore.layout import WIDTH, fit, mark, place_marks


def test_short_statement_stays_on_one_line():
    assert fit(8, "x = ops.relu(x)") == ["        x = ops.relu(x)"]


def test_arguments_go_on_a_line_of_their_own_before_one_a_line():
    text = f"self.conv = nn.Conv2d({', '.join(['argument'] * 8)})"
    lines = fit(4, text)
    assert len(lines) == 3
    assert lines[1].startswith("        argument, argument")
    assert not lines[1].endswith(",")


def test_arguments_that_do_not_fit_stand_one_a_line_with_a_comma():
    lines = fit(4, f"f({', '.join(['argument'] * 20)})")
    assert lines[1:-1] == ["        argument,"] * 20


@pytest.mark.parametrize("count", [3, 9, 30])
def test_no_line_is_too_long_and_the_code_is_the_same(count: int):
    inner = ", ".join(f"self.layer_{i}(x, (1, 2))" for i in range(count))
    text = f"y = ops.cat((g({inner}), x), axis=1)"
    lines = fit(8, text)
    assert max(map(len, lines)) <= WIDTH
    source = "\n".join(line.removeprefix("        ") for line in lines)
    assert ast.dump(ast.parse(source)) == ast.dump(ast.parse(text))


def test_brackets_and_commas_in_strings_do_not_count():
    text = f'f({", ".join(["argument"] * 9)}, mode="a, (b")'
    assert fit(0, text)[-2:] == ['    mode="a, (b",', ")"] or fit(0, text)[1].endswith('"a, (b"')


def test_marks_have_no_width():
    text = "x = " + mark(0, "a" * (WIDTH - 4))
    assert len(fit(0, text)) == 1


def test_places_of_nested_expressions():
    text = "x = " + mark(1, f"ops.relu({mark(0, 'self.conv(x)')})")
    source, spans = place_marks("# first\n" + text)
    assert source == "# first\nx = ops.relu(self.conv(x))"
    inner, outer = spans[0], spans[1]
    assert source.split("\n")[1][inner.column : inner.end_column] == "self.conv(x)"
    assert (inner.line, outer.line, outer.column) == (2, 2, 4)


def test_places_over_several_lines():
    long = mark(0, f"f({', '.join(['argument'] * 20)})")
    source, spans = place_marks("\n".join(fit(4, f"return {long}")))
    span = spans[0]
    assert (span.line, span.column) == (1, 11)
    assert span.end_line == len(source.split("\n"))
    assert span.end_column == 5


def test_a_subscript_stays_behind_the_call_that_is_broken():
    text = f"x = function({', '.join(['argument'] * 12)})[0]"
    lines = fit(0, text)
    assert lines[0] == "x = function("
    assert lines[-1] == ")[0]"
