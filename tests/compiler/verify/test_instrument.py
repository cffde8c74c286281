"""Instrumented source computes the same, and tells what it computes on its way."""

import ast
import sys
from types import ModuleType

import pytest

from onnx2ms.compiler.verify import child
from onnx2ms.compiler.verify.instrument import instrument

HEAD = '''
from mindspore import nn


class Leaf(nn.Cell):
    def __init__(self, step):
        self.step = step

    def construct(self, x):
        return x + self.step


class Library:
    """Not a cell of the module, and one that must be called in order."""

    calls = []

    def __call__(self, x):
        self.calls.append(x)
        return 10 * x


class Root(nn.Cell):
    def __init__(self):
        self.leaf = Leaf(1)
        self.other = Leaf(2)
        self.lib = Library()
        self.none = None
        self.leaves = nn.CellList([Leaf(3), Leaf(4)])
        self.chain = nn.SequentialCell(Leaf(5), Leaf(6))

    def helper(self, x):
        return x - 1

    def construct(self, x):
'''


@pytest.fixture
def run(place, stub, monkeypatch, tmp_path):
    """Return a function that runs a body, as it is and instrumented, and its trace by text."""
    monkeypatch.syspath_prepend(str(tmp_path / "stub"))
    for name in mindspore_modules():
        monkeypatch.delitem(sys.modules, name)

    def load(text):
        module = ModuleType("model")
        exec(compile(text, "model.py", "exec"), vars(module))
        return module

    def run(body, *texts, x=1, class_name="Root"):
        lines = [f"        {line}" for line in body.strip().split("\n")]
        source = HEAD + "\n".join(lines) + "\n"
        places = [place(source, f"v{i}", class_name, "", text) for i, text in enumerate(texts)]
        expected = load(source).Root()(x)
        instrumented = instrument(source, places)
        module = load(instrumented.source)
        module.Library.calls.clear()
        net = module.Root()
        child.prepare(net, module, sys.modules["mindspore"].nn)
        result, trace = net(x)
        assert result == expected
        names = dict(zip(instrumented.keys, texts, strict=True))
        entries = child.flattened(trace)
        return [(path, names.get(key, key), value) for path, key, value in entries], module

    yield run
    for name in mindspore_modules():  # the stub: other tests import the true one
        del sys.modules[name]


def mindspore_modules():
    return [name for name in sys.modules if name.partition(".")[0] == "mindspore"]


def test_nested_expressions_in_order_of_evaluation(run):
    trace, module = run(
        "return self.lib(x) + self.leaf(self.lib(x + 1)) * 2",
        "self.lib(x + 1)",
        "self.leaf(self.lib(x + 1)) * 2",
        "self.leaf(self.lib(x + 1))",
    )
    assert trace == [
        ("", "self.lib(x + 1)", 20),
        ("", "self.leaf(self.lib(x + 1))", 21),
        ("", "self.leaf(self.lib(x + 1)) * 2", 42),
    ]
    assert module.Library.calls == [1, 2]


def test_values_inside_called_cells_have_their_paths(run):
    trace, _ = run("return self.other(self.leaf(x))", "x + self.step", class_name="Leaf")
    assert trace == [("leaf", "x + self.step", 2), ("other", "x + self.step", 4)]


def test_loops_and_calls_that_repeat_keep_every_value(run):
    body = """
for leaf in self.leaves:
    x = leaf(x)
for i in range(2):
    x = self.leaf(x)
return self.leaves[0](x)"""
    trace, _ = run(body, "leaf(x)", "self.leaf(x)", "self.leaves[0](x)")
    assert [value for _, _, value in trace] == [4, 8, 9, 10, 13]


def test_sequential_cells_tell_what_each_of_theirs_returns(run):
    trace, _ = run("return self.chain(x)", "self.chain(x)")
    assert trace == [("chain.0", -1, 6), ("chain.1", -1, 12), ("", "self.chain(x)", 12)]


def test_only_the_branch_taken_is_computed(run):
    choice = "self.lib(y) if x > 5 else self.leaf(y)"
    body = f"y = x if self.none is None else self.none(x)\nreturn {choice}"
    trace, module = run(body, "self.lib(y)", "self.leaf(y)", choice)
    texts = [text for _, text, _ in trace]
    assert texts == ["self.leaf(y)", choice]
    assert module.Library.calls == []


@pytest.mark.parametrize(
    "body",
    [
        "return [leaf(x) for leaf in self.leaves]",
        "return (lambda y: self.leaf(y))(x)",
        "return x > 5 and self.leaf(x)",
        "return 0 < self.leaf(x) < 5",
        "while self.leaf(x) < 5:\n    x = self.other(x)\nreturn x",
        "return self.helper(x)",
        "return x.bit_length() + self.leaf(x)",
        "return max(*[self.leaf(x), 7], key=abs)",
        "return (x, 2, 3)[self.leaf(x) - 1 : 3]",
        "return {'a': self.leaf(x)}['a']",
        "return f'{self.leaf(x)}'",
        "x += self.leaf(x)\nreturn x",
        "a, b = self.leaf(x), self.other(x)\nreturn a - b",
        "if x:\n    return self.leaf(x)\nreturn x",
        "y: int = self.leaf(x)\nreturn y",
        "self.leaf(x)",
    ],
)
def test_the_result_stays_the_same(run, body):
    run(body)


def test_locals_are_read_after_the_statement(place):
    source = "class A:\n    def construct(self, x):\n        a, b = f(x)\n        return a"
    places = [place(source, name, "A", "", "f(x)", name) for name in ("a", "b")]
    instrumented = instrument(source, places)
    assert instrumented.keys == [0, 1]
    assert instrumented.lines == [3, 3]
    body = ast.unparse(ast.parse(instrumented.source).body[0])
    assert body.index("a, b = f(x)") < body.index("0, a)") < body.index("1, b)")


def test_values_that_are_no_expression_are_left_to_cells(place):
    source = "class A:\n    def construct(self, x):\n        return x"
    spot = place(source, "v", "nn.SequentialCell", "chain.0", "")
    assert instrument(source, [spot]).keys == [-1]
