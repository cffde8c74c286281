import random

import pytest

from onnx2ms.compiler.ir.dim_bounds import bounds, extreme, is_equal, is_less
from onnx2ms.compiler.ir.dim_values import evaluate, parse, substitute
from onnx2ms.compiler.ir.dims import cancelled, complexity, divide, product, remainder, symbol
from onnx2ms.compiler.ir.sizes.analysis import DEEPEST

B, H, W = map(symbol, "bhw")
OPERATORS = {
    "+": (lambda a, c: a + c, lambda a, c: a + c),
    "-": (lambda a, c: a - c, lambda a, c: a - c),
    "*": (lambda a, c: a * c, lambda a, c: a * c),
    "//": (divide, lambda a, c: a // c),
    "%": (remainder, lambda a, c: a % c),
    "max": (lambda a, c: extreme("max", [a, c]), max),
    "min": (lambda a, c: extreme("min", [a, c]), min),
}


def grow(rng, depth=0):
    """A random expression: a symbol, a number, or an operator and two expressions."""
    kind = rng.choice(["leaf", *OPERATORS]) if depth < 4 else "leaf"
    if kind == "leaf":
        return rng.choice([H, W, B, rng.randrange(-5, 9)])
    divisor = rng.choice([rng.randrange(1, 9), H, ("+", W, 7)])  # never 0
    right = divisor if kind in ("//", "%") else grow(rng, depth + 1)
    return kind, grow(rng, depth + 1), right


def compute(tree, values, column):
    """An expression's value: of sizes (column 0) or of numbers (column 1)."""
    if isinstance(tree, tuple):
        name, left, right = tree
        return OPERATORS[name][column](
            compute(left, values, column), compute(right, values, column)
        )
    if isinstance(tree, int) or column == 0:
        return tree
    return values[tree.symbol]


def test_a_part_of_a_window_is_a_number():
    window = 7 * -(-H // 7)  # at least 7
    assert (3 // window, -3 // window, remainder(3, window)) == (0, -1, 3)
    assert is_less(0, H - H // 2) is True
    assert is_less(H // 2 + H // 3, H) is True


@pytest.mark.parametrize("seed", range(8))
def test_the_arithmetic_is_that_of_whole_numbers(seed):
    rng = random.Random(seed)
    for _ in range(500):
        tree = grow(rng)
        size = compute(tree, {}, 0)
        if complexity(size) <= DEEPEST:  # longer ones are not told in files
            assert parse(str(size)) == size
        low, high = bounds(size)
        for _ in range(3):
            values = {
                "h": rng.randrange(1, 60),
                "w": rng.randrange(1, 60),
                "b": rng.randrange(1, 9),
            }
            number = compute(tree, values, 1)
            assert isinstance(number, int)
            assert evaluate(size, values) == number
            assert eval(str(size), {"max": max, "min": min}, values) == number
            assert low is None or low <= number
            assert high is None or high >= number


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (2 * H // 2, "h"),
        (B * H * 64 // (B * 4), "16 * h"),
        ((4 * H + B + 5) // 4, "(b + 1) // 4 + h + 1"),
        ((H - 1) // 2 + 1, "(h + 1) // 2"),
        (H + (7 - H % 7) % 7, "7 * ((h + 6) // 7)"),
        (-(-(H // 4) // 4), "(h + 12) // 16"),
        (H - H // 2, "(h + 1) // 2"),
        (H // 4 - H // 8 - (H // 4 - H // 8) // 2, "(h + 12) // 16"),
        (H // 2 + (H + 1) // 2, "h"),
        (H % 2, "h % 2"),
        (-H % 7 + B, "b + -h % 7"),
        (3 * ((H + B) % 4), "3 * ((b + h) % 4)"),
        (-(H // 4) % 7, "-(h // 4) % 7"),
        (extreme("min", [H, 5]) // 2, "min(5, h) // 2"),
        (extreme("max", [H - 3, 0]) + extreme("min", [H, 3]), "h"),
    ],
)
def test_sizes_are_told_in_their_shortest_form(size, text):
    assert str(size) == text


def test_a_size_is_at_least_1_and_never_minus_1():
    assert is_equal(H, -1) is False
    assert is_equal(H, 1) is None
    assert is_less(1, H) is True
    assert is_less(H, H + (7 - H % 7) % 7) is True
    assert is_equal(symbol("_1"), 0) is None  # how many elements there are may depend on data


def test_factors_that_both_have_are_cancelled():
    assert cancelled(32 * B * H, 224 * B) == (H, 7)
    assert cancelled(H + 1, 4) == (H + 1, 4)


def test_symbols_are_replaced():
    assert substitute(H // 4 * product([B, W]), {"h": 32, "w": B}) == 8 * B * B


@pytest.mark.parametrize("text", ["h.w", "f(h)", "h if w else b", "__import__('os')", "h /", "1.5"])
def test_text_that_is_no_size_is_not_read(text):
    assert parse(text) is None
