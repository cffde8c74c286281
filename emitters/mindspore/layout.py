"""Breaking long statements at brackets, and knowing afterwards where each expression stands.

Expressions that the source map needs are enclosed in invisible marks, which have no width and are
taken out of the finished text.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

WIDTH = 100
OPEN, CLOSE, END = "\x02", "\x03", "\x04"  # OPEN number CLOSE expression END
MARK = re.compile(f"{OPEN}(\\d+){CLOSE}|{END}")
SUBSCRIPT = 8
"""A subscript no longer than this, `[0]`, stays behind what is broken before it."""

LOOP = re.compile(r" for \w+(?:, \w+)? in ")
RESULT = re.compile(r"(?:return |[\w.]+(?:, [\w.]+)* = )")
"""What stands before what a statement computes."""

OPERATORS = ("or", "and", "==|!=|<=|>=|<|>", r"\|", r"\^", "&", "<<|>>", r"\+|-", r"\*|/|//|%|@")
"""Binary operators, those that bind least first."""

CHAIN = 2
"""So many calls of methods, behind the first call, are written one below the other."""

BRACKETS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Span:
    """Where an expression stands: lines from 1, columns from 0, the end exclusive, as in `ast`."""

    line: int
    column: int
    end_line: int
    end_column: int


def mark(number: int, text: str) -> str:
    """Return an expression enclosed in invisible marks."""
    return f"{OPEN}{number}{CLOSE}{text}{END}"


def bare(text: str) -> str:
    """Return text without marks."""
    return MARK.sub("", text)


def width(text: str) -> int:
    """Return how many columns a line takes."""
    return len(bare(text))


def fit(indent: int, text: str) -> list[str]:
    """Return a statement as lines no longer than WIDTH, broken as `ruff format` would.

    Args:
        indent: Columns before the statement.
        text: The statement on one line, with or without marks.
    """
    pad = " " * indent
    if indent + width(text) <= WIDTH:
        return [pad + text]
    if (parts := split_operands(text) or split_calls(text)) is not None:
        head, *rest = parts
        lines = [line for part in rest for line in fit(indent + 4, part)]
        return [pad + head + "(", *lines, pad + ")"]
    place = first_bracket(text) if text.startswith("def ") else last_bracket(text)
    if place is None:
        return [pad + text]
    start, end = place
    head, body, tail = text[: start + 1], text[start + 1 : end], text[end:]
    inside = " " * (indent + 4)
    items = split_items(body)
    if indent + 4 + width(body) <= WIDTH:
        return [pad + head, inside + body, pad + tail]
    if len(items) == 1 and (loop := comprehension(body)) >= 0:
        return [pad + head, *fit(indent + 4, body[:loop]), inside + body[loop + 1 :], pad + tail]
    if len(items) == 1:
        return [pad + head, *fit_item(indent + 4, body), pad + tail]
    lines = [pad + head]
    for item in items:
        lines += fit_item(indent + 4, item, ",")
    return [*lines, pad + tail]


def fit_item(indent: int, text: str, comma: str = "") -> list[str]:
    """Return an expression that stands alone between brackets, cut before its operators."""
    parts = None if indent + width(text + comma) <= WIDTH else cut(text)
    if parts is None:
        return fit(indent, text + comma)
    lines = [line for part in parts for line in fit(indent, part)]
    return [*lines[:-1], lines[-1] + comma]


def split_operands(text: str) -> list[str] | None:
    """Return what stands before a sum, product or the like that a statement computes, and it.

    It is cut before each of its outermost operators; None if there are none.
    """
    start = RESULT.match(text)
    if start is None:
        return None
    parts = cut(text, start.end())
    return None if parts is None else [start[0], *parts]


def split_calls(text: str) -> list[str] | None:
    """Return what stands before a chain of calls that a statement computes, and each call.

    None if there are few of them: `conv(x).reshape(…)` is broken at its last bracket.
    """
    start = RESULT.match(text)
    if start is None:
        return None
    places = [i for i in outermost(text, start.end()) if i > 0]
    if any(text[i] == " " for i in places):
        return None
    cuts = [i for i in places if text[i] == "." and bare(text[:i])[-1:] == ")"]
    if len(cuts) < CHAIN:
        return None
    bounds = [start.end(), *cuts, len(text)]
    return [start[0], *(text[a:b] for a, b in itertools.pairwise(bounds))]


def cut(text: str, start: int = 0) -> list[str] | None:
    """Return an expression cut before its outermost operators; None if there are none."""
    places = set(outermost(text, start))
    for operators in OPERATORS:
        pattern = re.compile(rf" (?:{operators}) ")
        found = [m.start() for m in pattern.finditer(text, start) if m.start() in places]
        if found:
            cuts = [start, *(place + 1 for place in found), len(text)]
            return [text[a:b].strip(" ") for a, b in itertools.pairwise(cuts)]
    return None


def scan(text: str, start: int = 0) -> Iterator[tuple[int, str, int]]:
    """Yield each character outside of strings: its place, itself, the brackets open behind it."""
    depth, quote = 0, ""
    for i in range(start, len(text)):
        c = text[i]
        if quote:
            if c == quote and text[i - 1] != "\\":
                quote = ""
            continue
        if c == '"':
            quote = c
            continue
        depth += (c in BRACKETS) - (c in BRACKETS.values())
        yield i, c, depth


def outermost(text: str, start: int = 0) -> Iterator[int]:
    """Yield where a character of a text from a place on stands outside of brackets and strings."""
    return (i for i, c, depth in scan(text, start) if depth == 0 and c not in BRACKETS.values())


def comprehension(text: str) -> int:
    """Return where the loop of a comprehension begins, outside of brackets, or -1."""
    places = set(outermost(text))
    found = [m.start() for m in LOOP.finditer(text) if m.start() in places]
    return found[-1] if found else -1


def first_bracket(text: str) -> tuple[int, int]:
    """Return where the arguments of a function begin and end."""
    return text.index("("), next(i for i, c, depth in scan(text) if c == ")" and depth == 0)


def last_bracket(text: str) -> tuple[int, int] | None:
    """Return where the last outermost bracket with something inside opens and closes."""
    found: tuple[int, int] | None = None
    start = 0
    for i, c, depth in scan(text):
        if c in BRACKETS:
            start = i if depth == 1 else start
        elif c in BRACKETS.values() and depth == 0:
            if c == "]" and found is not None and i - start <= SUBSCRIPT:
                continue
            if bare(text[start + 1 : i]).strip():
                found = (start, i)
    return found


def split_items(text: str) -> list[str]:
    """Return the items between outermost commas; a comprehension is one item."""
    if comprehension(text) >= 0:
        return [text.strip(" ")]
    commas = [i for i in outermost(text) if text[i] == ","]
    starts = [0, *(i + 1 for i in commas)]
    items = [text[a:b].strip(" ") for a, b in zip(starts, [*commas, len(text)], strict=True)]
    return items if items[-1] else items[:-1]


def place_marks(text: str) -> tuple[str, dict[int, Span]]:
    """Return the text without marks, and where each marked expression stands in it."""
    spans: dict[int, Span] = {}
    opened: list[tuple[int, int, int]] = []
    lines: list[str] = []
    for number, marked in enumerate(text.split("\n"), 1):
        line, position = "", 0
        for found in MARK.finditer(marked):
            line += marked[position : found.start()]
            position = found.end()
            if found[1] is not None:
                opened.append((int(found[1]), number, len(line)))
            else:
                index, start_line, column = opened.pop()
                spans[index] = Span(start_line, column, number, len(line))
        lines.append(line + marked[position:])
    return "\n".join(lines), spans
