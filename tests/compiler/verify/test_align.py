import ast

import pytest

from onnx2ms.compiler.verify.align import locate

BEFORE = """
class A:
    def construct(self, x):
        # what is computed first
        y = (self.f(x) - self.g(x))
        if x is None:
            y = self.h(y)
        low, high = ops.split(y, 2)
        y += self.k(low)
        return ops.relu(self.f(y))
"""


def located(after, place, *texts, local=""):
    places = [place(BEFORE, f"v{i}", "A", "", text, local) for i, text in enumerate(texts)]
    sites = locate(places, BEFORE, ast.parse(after))
    return [site and ast.unparse(site.expression) for site in sites]


def test_the_same_text_is_found_by_position(place):
    texts = ("self.f(x)", "self.f(x) - self.g(x)", "self.h(y)", "ops.relu(self.f(y))")
    assert located(BEFORE, place, *texts) == list(texts)


def test_operands_that_changed_places_are_found_where_they_stand(place):
    after = BEFORE.replace("self.f(x) - self.g(x)", "self.g(x) - self.f(x)")
    found = located(after, place, "self.f(x)", "self.g(x)", "self.f(x) - self.g(x)")
    assert found == ["self.f(x)", "self.g(x)", "self.g(x) - self.f(x)"]


def test_inserted_and_shifted_statements(place):
    after = BEFORE.replace("        y = (", "        x = x * 2\n        y =   (")
    assert located(after, place, "self.g(x)", "self.h(y)") == ["self.g(x)", "self.h(y)"]


def test_a_changed_argument_is_found_by_its_position(place):
    after = BEFORE.replace("self.g(x)", "self.g(x, 2)")
    assert located(after, place, "self.g(x)") == ["self.g(x, 2)"]


def test_an_expression_that_was_wrapped_is_found_with_what_wraps_it(place):
    after = BEFORE.replace("self.g(x)", "self.g(self.g(x))")
    assert located(after, place, "self.g(x)") == ["self.g(self.g(x))"]


def test_what_is_gone_is_not_found(place):
    after = BEFORE.replace("            y = self.h(y)", "            pass")
    assert located(after, place, "self.h(y)") == [None]
    assert located("class B:\n    pass", place, "self.h(y)") == [None]


def test_brackets_do_not_belong_to_an_expression(place):
    exact = place(BEFORE, "v", "A", "", "self.f(x) - self.g(x)")
    around = type(exact)(
        **{**vars(exact), "column": exact.column - 1, "end_column": exact.end_column + 1}
    )
    (site,) = locate([around], BEFORE, ast.parse(BEFORE))
    assert site is not None
    assert ast.unparse(site.expression) == "self.f(x) - self.g(x)"


@pytest.mark.parametrize(("local", "name"), [("high", "high"), ("", "")])
def test_unpacked_values_are_read_from_their_locals(place, local, name):
    spot = place(BEFORE, "v", "A", "", "ops.split(y, 2)", local)
    (site,) = locate([spot], BEFORE, ast.parse(BEFORE))
    assert site is not None
    assert site.name == name


def test_augmented_assignment_is_read_from_its_target(place):
    part = place(BEFORE, "v", "A", "", "self.k(low)")
    (line,) = [n for n in ast.walk(ast.parse(BEFORE)) if isinstance(n, ast.AugAssign)]
    whole = type(part)(
        **{**vars(part), "column": line.col_offset, "end_column": line.end_col_offset}
    )
    sites = locate([part, whole], BEFORE, ast.parse(BEFORE))
    assert [site and site.name for site in sites] == ["", "y"]
